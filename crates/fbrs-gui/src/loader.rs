//! The threads that read photos and lists of photos. The window never waits for them.

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use fbrs::Photo;
use fbrs_annotation::{Folder, PhotoPath, PhotoRecord, PhotoState, digest};
use fbrs_data::pictures::{self, Limits};
use fbrs_data::text::printable;
use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};

use crate::canvas::Pyramid;
use crate::engine::{PhotoKey, Wake};

/// Longer side of a thumbnail.
const THUMBNAIL: u32 = 96;
/// Pixels of the largest photo that is read before anybody asks for it.
pub(crate) const AHEAD: u64 = 24_000_000;
/// Photos whose state is read before the window hears of it.
const BATCH: usize = 64;

/// What is heard of photos.
pub(crate) enum LoaderEvent {
    /// A photo is read.
    Loaded(Box<LoadedPhoto>),
    /// It cannot be: a sentence.
    Unreadable { key: PhotoKey, path: PhotoPath, problem: String },
    /// It is too large to be read before anybody asks for it.
    NotAhead { key: PhotoKey },
    /// The photos of a folder.
    Listed { folder: Folder, photos: Vec<PhotoPath> },
    /// The folder cannot be listed: a sentence.
    NotListed(String),
    /// How far the work on photos is.
    States { folder: Folder, states: Vec<(PhotoPath, Option<(PhotoState, usize)>)> },
    /// A small picture; `None` where the photo cannot be read.
    Thumbnail { folder: Folder, path: PhotoPath, image: Option<RgbImage> },
}

/// A photo, ready to be worked on.
pub(crate) struct LoadedPhoto {
    pub(crate) key: PhotoKey,
    pub(crate) folder: Folder,
    pub(crate) path: PhotoPath,
    pub(crate) photo: Photo,
    pub(crate) pyramid: Pyramid,
    pub(crate) record: PhotoRecord,
    pub(crate) thumbnail: Option<RgbImage>,
    /// The document of this photo under an earlier name.
    pub(crate) lost: Option<PathBuf>,
    pub(crate) remarks: Vec<String>,
}

enum Order {
    Load {
        key: PhotoKey,
        folder: Folder,
        path: PhotoPath,
        /// Whether nobody waits for it: photos that take much memory are then left.
        is_ahead: bool,
    },
    List(Folder),
    Thumbnail(Folder, PhotoPath),
}

/// The window's end of the threads.
pub(crate) struct Loader {
    photos: Arc<Queue>,
    lists: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    orders: Mutex<(VecDeque<Order>, bool)>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<Order>, bool)> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Order> {
        let mut orders = self.lock();
        loop {
            if orders.1 {
                return None;
            }
            if let Some(order) = orders.0.pop_front() {
                return Some(order);
            }
            orders = self.changed.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Loader {
    pub(crate) fn start(events: &Sender<LoaderEvent>, wake: &Wake) -> Self {
        let [photos, lists] = ["photos", "lists"].map(|name| {
            let queue = Arc::new(Queue::default());
            let (own, events, wake) = (queue.clone(), events.clone(), wake.clone());
            let say = move |event| {
                // A window that is gone hears nothing.
                let _ = events.send(event);
                wake();
            };
            let work = move || {
                while let Some(order) = own.next() {
                    follow(order, &own, &say);
                }
            };
            let _ = thread::Builder::new().name(name.to_owned()).spawn(work);
            queue
        });
        Self { photos, lists }
    }

    /// Reads a photo before all others; those that were asked for before are dropped.
    pub(crate) fn load(&self, key: PhotoKey, folder: &Folder, path: &PhotoPath) {
        let mut orders = self.photos.lock();
        orders.0.clear();
        let (folder, path) = (folder.clone(), path.clone());
        orders.0.push_back(Order::Load { key, folder, path, is_ahead: false });
        drop(orders);
        self.photos.changed.notify_all();
    }

    /// Reads a photo when nothing else is to be read.
    pub(crate) fn load_ahead(&self, key: PhotoKey, folder: &Folder, path: &PhotoPath) {
        let (folder, path) = (folder.clone(), path.clone());
        let order = Order::Load { key, folder, path, is_ahead: true };
        self.photos.lock().0.push_back(order);
        self.photos.changed.notify_all();
    }

    /// Lists the photos of a folder, and then how far the work on each is.
    pub(crate) fn list(&self, folder: &Folder) {
        let mut orders = self.lists.lock();
        orders.0.retain(|order| !matches!(order, Order::List(_)));
        orders.0.push_back(Order::List(folder.clone()));
        drop(orders);
        self.lists.changed.notify_all();
    }

    /// Makes a small picture of a photo; those that were asked for last come first.
    pub(crate) fn thumbnail(&self, folder: &Folder, path: &PhotoPath) {
        let mut orders = self.lists.lock();
        orders.0.push_front(Order::Thumbnail(folder.clone(), path.clone()));
        drop(orders);
        self.lists.changed.notify_all();
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        for queue in [&self.photos, &self.lists] {
            queue.lock().1 = true;
            queue.changed.notify_all();
        }
    }
}

fn follow(order: Order, queue: &Queue, say: &impl Fn(LoaderEvent)) {
    match order {
        Order::Load { key, folder, path, is_ahead } => {
            if is_ahead && area(&folder, &path).is_none_or(|area| area > AHEAD) {
                return say(LoaderEvent::NotAhead { key });
            }
            // Decoders may fall over hostile files; the others are read all the same.
            let work = || load(key, &folder, &path);
            let loaded = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                Err(format!("{}: its decoder failed", printable(path.as_str())))
            });
            match loaded {
                Ok(loaded) => say(LoaderEvent::Loaded(Box::new(loaded))),
                Err(problem) => say(LoaderEvent::Unreadable { key, path, problem }),
            }
        }
        Order::List(folder) => match folder.photos() {
            Err(error) => say(LoaderEvent::NotListed(error.to_string())),
            Ok(photos) => {
                let folder = writable(folder);
                say(LoaderEvent::Listed { folder: folder.clone(), photos: photos.clone() });
                for batch in photos.chunks(BATCH) {
                    let state = |photo: &PhotoPath| {
                        folder.summary(photo).map(|summary| (summary.state, summary.objects))
                    };
                    let states = batch.iter().map(|photo| (photo.clone(), state(photo))).collect();
                    say(LoaderEvent::States { folder: folder.clone(), states });
                    let orders = queue.lock();
                    if orders.1 || orders.0.iter().any(|order| matches!(order, Order::List(_))) {
                        return;
                    }
                }
            }
        },
        Order::Thumbnail(folder, path) => {
            let made = || {
                let picture = pictures::read(&folder.photo(&path), &Limits::default()).ok()?;
                small(&Pyramid::new(Arc::new(picture.into_rgb8())))
            };
            let image = panic::catch_unwind(AssertUnwindSafe(made)).unwrap_or(None);
            say(LoaderEvent::Thumbnail { folder, path, image });
        }
    }
}

/// The folder itself where documents can be written beside its photos, or have a folder of their own
/// already; else with one in the user's.
fn writable(folder: Folder) -> Folder {
    if folder.documents() != folder.root() {
        return folder;
    }
    // Where classes are already, they stay.
    if folder.project().exists() {
        return folder;
    }
    let refused = match tempfile::Builder::new().prefix(".fbrs-").tempfile_in(folder.root()) {
        Ok(_) => false,
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
        ),
    };
    match dirs::data_dir() {
        Some(data) if refused => {
            let root = folder.root().display().to_string();
            // As readable as a path can be within one name.
            let name: String =
                root.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
            let name = name.trim_matches('-').chars().rev().take(120).collect::<String>();
            let name: String = name.chars().rev().collect();
            // Folders whose names are alike in letters and digits are not alike.
            let number = root.bytes().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
            });
            let name = format!("{name}-{number:016x}");
            folder.with_output(data.join("fbrs").join("annotations").join(name))
        }
        _ => folder,
    }
}

/// Pixels of a photo, by its header.
fn area(folder: &Folder, path: &PhotoPath) -> Option<u64> {
    let (width, height) = image::image_dimensions(folder.photo(path)).ok()?;
    Some(u64::from(width) * u64::from(height))
}

/// The photo for the list.
fn small(pyramid: &Pyramid) -> Option<RgbImage> {
    let level = DynamicImage::from(pyramid.smallest()?.clone());
    Some(level.resize(THUMBNAIL, THUMBNAIL, FilterType::Triangle).into_rgb8())
}

fn load(key: PhotoKey, folder: &Folder, path: &PhotoPath) -> Result<LoadedPhoto, String> {
    let file = folder.photo(path);
    // The digest of a large file takes as long as a part of its decoding.
    let (picture, digest) = thread::scope(|scope| {
        let digest = scope.spawn(|| digest(&file).map_err(|error| error.to_string()));
        let picture = pictures::read(&file, &Limits::default()).map_err(|error| error.to_string());
        (picture, digest.join())
    });
    let picture = picture?;
    let (sha256, bytes) =
        digest.map_err(|_| format!("{}: its digest failed", printable(path.as_str())))??;
    let (orientation, remarks) = (picture.orientation.to_exif(), picture.remarks.clone());
    let photo = Arc::new(picture.into_rgb8());
    let pyramid = Pyramid::new(photo.clone());
    let lost = folder.lost_document(path, &sha256, bytes);
    let record = PhotoRecord {
        file: path.name().to_owned(),
        width: photo.width(),
        height: photo.height(),
        sha256,
        bytes,
        orientation,
    };
    let folder = folder.clone();
    Ok(LoadedPhoto {
        key,
        folder,
        path: path.clone(),
        photo: photo.into(),
        thumbnail: small(&pyramid),
        pyramid,
        record,
        lost,
        remarks,
    })
}
