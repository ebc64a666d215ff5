/// Lets this process keep the memory that it freed, for the next time: for programs whose main work
/// are networks on the processor.
///
/// A pass through a network takes and frees its maps by the dozen, megabytes each. The C library of
/// GNU gives memory of this size back at once, and the system hands it out again page by page, every
/// page filled with zeros first: a quarter of the time of a click with an HRNet, a third of that of a
/// step of training with a Lite network. What a process holds at most stays the same; it no longer gets smaller in between.
///
/// It concerns the whole process, so that it is up to the program and not to this library. The
/// program `fbrs` calls it first of all. Call it before other threads are begun. With other C
/// libraries nothing happens; the same is had from outside through the environment:
/// `GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=18446744073709551615`.
///
/// Returns whether it was done.
///
/// ```
/// let is_gnu = cfg!(all(target_os = "linux", target_env = "gnu"));
/// assert_eq!(fbrs::keep_memory(), is_gnu);
/// ```
pub fn keep_memory() -> bool {
    imp::keep()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod imp {
    /// No memory from the system for one object alone, which would go back with it.
    const NONE: libc::c_int = 0;
    /// Never gives back what lies free at the end.
    const NEVER: libc::c_int = -1;

    #[allow(unsafe_code)]
    pub(super) fn keep() -> bool {
        // SAFETY: both numbers are documented for these parameters (mallopt(3)); the function locks
        // the allocator, reads no memory of ours, and refuses what it does not know.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, NONE) == 1
                && libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER) == 1
        }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod imp {
    pub(super) fn keep() -> bool {
        false
    }
}
