//! PNG: label images, masks of single objects, and objects cut out of their photo.

use fbrs_clicks::Region;
use fbrs_data::annotations::labels;
use fbrs_data::pictures::{self, Limits};
use image::{ImageEncoder, RgbaImage};

use super::names::of_class;
use super::write::Files;
use super::{Format, Item, Job, Kind, Report, Settings};
use crate::error::Result;
use crate::folder::Folder;

/// Classes that 8 bits and VOC's palette have room for: its last color is that of no class.
const MOST_CLASSES: u32 = 254;
/// Objects that 16 bits have room for.
const MOST_OBJECTS: usize = 65_535;

pub(super) fn ids(
    job: &Job<'_>,
    settings: &Settings,
    files: &mut Files,
    report: &mut Report,
) -> Result<()> {
    let mut numbered = Vec::new();
    for item in &job.objects {
        match u16::try_from(item.place) {
            Ok(number) => numbered.push((item, number)),
            Err(_) => {
                let text = format!("it is number {}, beyond {MOST_OBJECTS}", item.place);
                let id = Some(item.object.id);
                report.skip(Some(Format::Ids), job.photo, id, Kind::Overlap, text);
            }
        }
    }
    report.objects += numbered.len();
    let picture = painted(job, &numbered);
    tell_overlaps(Format::Ids, job, &numbered, &picture, report);
    let name = format!("ids/{}.png", job.name);
    let size = job.document.size();
    files.write(&name, |out| labels::write(&picture, size, settings.palette, out))
}

pub(super) fn classes(job: &Job<'_>, files: &mut Files, report: &mut Report) -> Result<()> {
    let mut numbered = Vec::new();
    for item in &job.objects {
        let class = item.class.id;
        match u16::try_from(class).ok().filter(|_| class <= MOST_CLASSES) {
            Some(number) => numbered.push((item, number)),
            None => {
                let text = format!("its class has the id {class}, beyond {MOST_CLASSES}");
                let id = Some(item.object.id);
                report.skip(Some(Format::Classes), job.photo, id, Kind::Class, text);
            }
        }
    }
    for (item, _) in &numbered {
        report.wrote(Format::Classes, job, item);
    }
    // Which objects are hidden, places tell better than classes.
    let by_place: Vec<_> =
        numbered.iter().zip(1u16..).map(|((item, _), place)| (*item, place)).collect();
    let mut picture = painted(job, &by_place);
    tell_overlaps(Format::Classes, job, &by_place, &picture, report);
    let of_place = |place: u16| {
        let item = usize::from(place).checked_sub(1).and_then(|index| numbered.get(index));
        item.map_or(0, |(_, class)| *class)
    };
    picture.iter_mut().for_each(|number| *number = of_place(*number));
    let name = format!("classes/{}.png", job.name);
    let size = job.document.size();
    files.write(&name, |out| labels::write(&picture, size, true, out))
}

pub(super) fn objects(job: &Job<'_>, files: &mut Files, report: &mut Report) -> Result<()> {
    let size = job.document.size();
    for item in &job.objects {
        let name = name_of(Format::Objects, job, item, files);
        let mask = item.object.mask.bools_in(Region::whole(size));
        files.write(&name, |out| labels::write_mask(&mask, size, out))?;
        report.wrote(Format::Objects, job, item);
    }
    Ok(())
}

pub(super) fn cutouts(
    job: &Job<'_>,
    folder: &Folder,
    settings: &Settings,
    files: &mut Files,
    report: &mut Report,
) -> Result<()> {
    if job.objects.is_empty() {
        return Ok(());
    }
    let photo = match pictures::read(&folder.photo(job.photo), &Limits::default()) {
        Ok(photo) => photo,
        Err(error) => {
            let text = error.to_string();
            report.skip(Some(Format::Cutouts), job.photo, None, Kind::Unreadable, text);
            return Ok(());
        }
    };
    let size = job.document.size();
    if photo.size() != size {
        let text = format!("the photo has {} pixels, its document {size}", photo.size());
        report.skip(Some(Format::Cutouts), job.photo, None, Kind::Size, text);
        return Ok(());
    }
    let photo = photo.into_rgb8();
    for item in &job.objects {
        let Some(bounds) = item.object.mask.bounds() else { continue };
        let margin = settings.margin as usize;
        let region = Region::new(
            bounds.top().saturating_sub(margin)
                ..=bounds.bottom().saturating_add(margin).min(size.height.saturating_sub(1)),
            bounds.left().saturating_sub(margin)
                ..=bounds.right().saturating_add(margin).min(size.width.saturating_sub(1)),
        );
        let Some(region) = region else { continue };
        let mask = item.object.mask.bools_in(region);
        let (left, top) = (region.left() as u32, region.top() as u32);
        let mut cut = RgbaImage::new(region.size().width as u32, region.size().height as u32);
        for ((x, y, pixel), is_object) in cut.enumerate_pixels_mut().zip(mask) {
            if is_object && let Some(color) = photo.get_pixel_checked(left + x, top + y) {
                let [red, green, blue] = color.0;
                pixel.0 = [red, green, blue, 255];
            }
        }
        let name = name_of(Format::Cutouts, job, item, files);
        files.write(&name, |out| {
            let encoder = image::codecs::png::PngEncoder::new(out);
            let kind = image::ExtendedColorType::Rgba8;
            let written = encoder.write_image(cut.as_raw(), cut.width(), cut.height(), kind);
            written.map_err(std::io::Error::other)
        })?;
        report.wrote(Format::Cutouts, job, item);
    }
    Ok(())
}

/// Numbers of the photo's pixels; later objects are on top.
fn painted(job: &Job<'_>, numbered: &[(&Item<'_>, u16)]) -> Vec<u16> {
    let size = job.document.size();
    let mut picture = vec![0; size.area()];
    for (item, number) in numbered {
        let mask = &item.object.mask;
        for row in mask.rows() {
            let start = row.saturating_mul(size.width);
            if let Some(line) = picture.get_mut(start..start.saturating_add(size.width)) {
                mask.fill_line(row, 0, line, *number);
            }
        }
    }
    picture
}

/// Tells which objects lie under others, where each pixel has one.
fn tell_overlaps(
    format: Format,
    job: &Job<'_>,
    numbered: &[(&Item<'_>, u16)],
    picture: &[u16],
    report: &mut Report,
) {
    let mut seen = vec![0u64; MOST_OBJECTS + 1];
    for number in picture {
        if let Some(count) = seen.get_mut(usize::from(*number)) {
            *count += 1;
        }
    }
    for (item, number) in numbered {
        let area = item.object.mask.area();
        let seen = seen.get(usize::from(*number)).copied().unwrap_or(0);
        if seen < area {
            let text = match seen {
                0 => "it lies under later objects as a whole and is not in the picture".to_owned(),
                seen => format!("{} of its {area} pixels lie under later objects", area - seen),
            };
            report.alter(Some(format), job.photo, Some(item.object.id), Kind::Overlap, text);
        }
    }
}

/// `objects/STEM_ID_CLASS.png`; with the photo's ending where another object has that name.
fn name_of(format: Format, job: &Job<'_>, item: &Item<'_>, files: &Files) -> String {
    let called = |stem: &str| {
        let class = of_class(item.class.name);
        format!("{format}/{stem}_{}_{class}.png", item.object.id)
    };
    match called(job.name) {
        name if files.has(&name) => called(job.photo.as_str()),
        name => name,
    }
}
