//! Masks of other programs' shapes, in the photo as it is seen.

use fbrs_clicks::Size;
use fbrs_data::annotations::FormatError;
use fbrs_data::annotations::coco::Shape;
use fbrs_data::annotations::labelme::Form;
use fbrs_data::annotations::spans::Span;
use fbrs_data::annotations::yolo::Line;
use image::DynamicImage;
use image::metadata::Orientation;

use crate::document::PhotoRecord;
use crate::export::Kind;
use crate::mask::Mask;

/// Where an object of a file is.
#[derive(Debug)]
pub(super) enum Pixels {
    Coco(Shape),
    Labelme(Vec<Form>),
    Yolo(Line),
    Mask(Mask),
}

impl Pixels {
    /// The mask in a photo of `size`, as the file means it.
    pub(super) fn mask(self, size: Size) -> Result<Mask, FormatError> {
        match self {
            Self::Coco(Shape::Polygons(polygons)) => Ok(of_spans(&polygons.spans(size)?, size)),
            Self::Coco(Shape::Runs(runs)) if runs.size == size => Ok(Mask::from_rle(&runs.rle()?)),
            Self::Coco(Shape::Runs(runs)) => {
                let reason = format!("its mask has {} pixels, the photo {size}", runs.size);
                Err(FormatError::Damaged(reason))
            }
            Self::Labelme(forms) => {
                let mut mask = Mask::empty(size);
                for form in forms {
                    mask = mask.union(&of_spans(&form.spans(size)?, size));
                }
                Ok(mask)
            }
            Self::Yolo(line) => Ok(of_spans(&line.spans(size)?, size)),
            Self::Mask(mask) => Ok(mask),
        }
    }
}

/// The mask that spans make, which come row by row.
pub(crate) fn of_spans(spans: &[Span], size: Size) -> Mask {
    let (Some((first, ..)), Some((last, ..))) = (spans.first(), spans.last()) else {
        return Mask::empty(size);
    };
    let mut rest = spans;
    Mask::from_rows(size, *first as usize..(*last as usize).saturating_add(1), |row, runs| {
        let here = rest.partition_point(|(at, ..)| *at as usize <= row);
        let (now, later) = rest.split_at_checked(here).unwrap_or_default();
        runs.extend(now.iter().map(|(_, from, end)| [*from, *end]));
        rest = later;
    })
}

/// The size that masks of a file have, and how they are turned to be of the photo as it is seen.
/// `said` is what the file says of its photo's size.
pub(super) fn fit(
    said: Option<Size>,
    photo: &PhotoRecord,
    turn: bool,
) -> Result<(Size, Orientation), (Kind, String)> {
    let seen = photo.size();
    let orientation = Orientation::from_exif(photo.orientation);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let swapped = Size { height: seen.width, width: seen.height };
    let stored = if photo.orientation >= 5 { swapped } else { seen };
    match said.unwrap_or(if turn { stored } else { seen }) {
        said if turn && said == stored => Ok((stored, orientation)),
        said if said == seen => Ok((seen, Orientation::NoTransforms)),
        said if said == stored => Err((
            Kind::Turned,
            format!(
                "its masks are of {said} pixels, which the photo has as it is stored; as it is seen \
                 it has {seen}: they can be turned with it"
            ),
        )),
        said if said == swapped => Err((
            Kind::Size,
            format!(
                "its masks are of {said} pixels, the photo has {seen}: the sides are swapped, and \
                 the photo does not tell how it was turned"
            ),
        )),
        said => Err((Kind::Size, format!("its masks are of {said} pixels, the photo has {seen}"))),
    }
}

/// A mask of the photo as stored, turned as the photo is.
pub(super) fn turned(mask: Mask, orientation: Orientation) -> Mask {
    if orientation == Orientation::NoTransforms {
        return mask;
    }
    let mut gray = DynamicImage::from(mask.to_gray());
    gray.apply_orientation(orientation);
    Mask::from_gray(&gray.into_luma8())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn photo(orientation: u8) -> PhotoRecord {
        let (file, sha256) = ("a.jpg".to_owned(), String::new());
        PhotoRecord { file, width: 30, height: 20, sha256, bytes: 0, orientation }
    }

    #[test]
    fn sizes_are_those_of_the_photo_as_seen_or_are_turned() {
        let (seen, swapped) = (Size { height: 20, width: 30 }, Size { height: 30, width: 20 });
        let plain = Orientation::NoTransforms;
        assert_eq!(fit(Some(seen), &photo(6), false), Ok((seen, plain)));
        assert_eq!(fit(None, &photo(6), false), Ok((seen, plain)));
        assert_eq!(fit(Some(swapped), &photo(6), true), Ok((swapped, Orientation::Rotate90)));
        assert_eq!(fit(None, &photo(6), true), Ok((swapped, Orientation::Rotate90)));
        assert_eq!(fit(Some(seen), &photo(6), true), Ok((seen, plain)));
        assert_eq!(fit(Some(seen), &photo(3), true), Ok((seen, Orientation::Rotate180)));
        let (kind, text) = fit(Some(swapped), &photo(6), false).unwrap_err();
        assert!(kind == Kind::Turned && text.contains("20×30") && text.contains("30×20"), "{text}");
        let (kind, text) = fit(Some(swapped), &photo(1), true).unwrap_err();
        assert!(kind == Kind::Size && text.contains("swapped"), "{text}");
        let other = Size { height: 7, width: 8 };
        let (kind, text) = fit(Some(other), &photo(1), true).unwrap_err();
        assert!(kind == Kind::Size && text.contains("8×7") && text.contains("30×20"), "{text}");
    }

    #[test]
    fn masks_are_turned_as_photos_are() {
        let stored = Size { height: 2, width: 3 };
        let mask = Mask::from_bools(stored, &[true, false, false, false, false, false]).unwrap();
        let turned = turned(mask, Orientation::Rotate90);
        assert_eq!(turned.size(), Size { height: 3, width: 2 });
        assert_eq!(turned.row(0), [[1, 2]]);
    }
}
