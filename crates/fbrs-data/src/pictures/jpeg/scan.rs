use super::bits::Bits;
use super::blocks::{Block, Coefficients, Walk};
use super::frame::Frame;
use super::{Fault, Tables};

/// Bytes that may stand before a marker without a meaning: fewer than the shortest lost piece of a
/// picture would leave.
const STRAY_BYTES: usize = 2;
/// The same for bytes with which an encoder fills up words or lines of memory.
const FILLING_BYTES: usize = 64;

/// What a scan header says (B.2.3).
#[derive(Debug)]
pub(super) struct Scan {
    /// Of each component: its place in the frame, and its tables for means and for the rest.
    components: Vec<(usize, usize, usize)>,
    coefficients: Coefficients,
}

impl Scan {
    /// Reads a scan header; `None` where it makes no sense in the frame.
    pub(super) fn read(header: &[u8], frame: &Frame) -> Option<Self> {
        let (count, rest) = header.split_first()?;
        let (list, rest) = rest.split_at_checked(usize::from(*count).checked_mul(2)?)?;
        let [first, last, approximation, ..] = *rest else { return None };
        let component = |entry: &[u8; 2]| {
            let place = frame.components.iter().position(|component| component.id == entry[0])?;
            Some((place, usize::from(entry[1] >> 4), usize::from(entry[1] & 15)))
        };
        let components: Vec<_> =
            list.as_chunks::<2>().0.iter().map(component).collect::<Option<_>>()?;
        let coefficients = match frame.is_progressive {
            // Whatever a sequential scan says here, it has all coefficients.
            false => Coefficients { first: 0, last: 63, known: false, missing: 0 },
            true => Coefficients {
                first,
                last,
                known: approximation >> 4 > 0,
                missing: approximation & 15,
            },
        };
        let Coefficients { first, last, missing, .. } = coefficients;
        let is_possible = first <= last && last < 64 && missing <= 13;
        // In a progressive JPEG means come by themselves, other coefficients of one color alone.
        let is_progression = !frame.is_progressive
            || (first == 0 && last == 0)
            || (first > 0 && components.len() == 1);
        let is_scan = is_possible && is_progression && (1..=4).contains(&components.len());
        is_scan.then_some(Self { components, coefficients })
    }

    /// Whether the tables are there that the scan needs.
    pub(super) fn has_tables(&self, tables: &Tables, frame: &Frame) -> bool {
        let Coefficients { first, last, known, .. } = self.coefficients;
        let is_there =
            |table: &[Option<_>; 4], place: usize| table.get(place).is_some_and(Option::is_some);
        self.components.iter().all(|(_, dc, ac)| {
            let needs_dc = first == 0 && !(known && frame.is_progressive);
            (!needs_dc || is_there(&tables.dc, *dc)) && (last == 0 || is_there(&tables.ac, *ac))
        })
    }

    /// Walks through the scan's data; the number of bytes that they are.
    ///
    /// # Errors
    /// Where blocks are missing, or there is more than the blocks.
    pub(super) fn walk(
        &self,
        tables: &Tables,
        frame: &mut Frame,
        data: &[u8],
    ) -> Result<usize, Fault> {
        let mut walk = Walk::new(Bits::new(data), self.coefficients, frame.is_progressive);
        match self.components.as_slice() {
            [single] => {
                let component = frame.components.get(single.0).ok_or(Fault::Broken)?;
                let (across, down) = (component.width, component.height);
                self.units(tables, frame, &mut walk, (across, down), false)?;
            }
            _ => {
                let units = (frame.units_across, frame.units_down);
                self.units(tables, frame, &mut walk, units, true)?;
            }
        }
        for (place, ..) in &self.components {
            let Coefficients { first, last, missing, .. } = self.coefficients;
            if let Some(component) = frame.components.get_mut(*place) {
                component.note(first, last, missing);
            }
        }
        Ok(walk.bits.position())
    }

    /// Walks through units (A.2): single blocks, or of each component as many as it has in one.
    fn units(
        &self,
        tables: &Tables,
        frame: &mut Frame,
        walk: &mut Walk<'_>,
        (across, down): (usize, usize),
        is_interleaved: bool,
    ) -> Result<(), Fault> {
        let mut until_restart = tables.restart_interval;
        for row in 0..down {
            for col in 0..across {
                if tables.restart_interval > 0 {
                    if until_restart == 0 {
                        check_surplus(walk)?;
                        if !walk.bits.restart() {
                            return Err(Fault::Ends);
                        }
                        walk.restart();
                        until_restart = tables.restart_interval;
                    }
                    until_restart = until_restart.saturating_sub(1);
                }
                for (slot, (place, dc, ac)) in self.components.iter().enumerate() {
                    let component = frame.components.get_mut(*place).ok_or(Fault::Broken)?;
                    let block = Block {
                        slot,
                        dc: tables.dc.get(*dc).and_then(Option::as_deref),
                        ac: tables.ac.get(*ac).and_then(Option::as_deref),
                        step: tables.steps.get(component.quantization).copied().unwrap_or(0),
                    };
                    let (wide, high) = match is_interleaved {
                        true => (component.across, component.down),
                        false => (1, 1),
                    };
                    for y in 0..high {
                        let line = row.wrapping_mul(high).wrapping_add(y);
                        let line = line.wrapping_mul(component.stride);
                        for x in 0..wide {
                            let index = line.wrapping_add(col.wrapping_mul(wide)).wrapping_add(x);
                            walk.block(&block, component.nonzero.get_mut(index))?;
                        }
                    }
                }
            }
        }
        check_surplus(walk)
    }
}

/// Behind the last unit and before each restart there is nothing but what fills up.
fn check_surplus(walk: &mut Walk<'_>) -> Result<(), Fault> {
    let surplus = walk.bits.finish();
    let most = match surplus.is_filling && !walk.bits.is_at_end() {
        true => FILLING_BYTES,
        // Zeros up to the end of the file are what a broken copy leaves.
        false => STRAY_BYTES,
    };
    if surplus.bytes <= most { Ok(()) } else { Err(Fault::Broken) }
}
