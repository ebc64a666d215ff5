use serde::{Deserialize, Serialize};

/// Published numbers of clicks (Sofiiuk et al. 2020 and 2021, and the pages of their code).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// NoC at 85 % IoU, where it is published.
    pub noc_85: Option<f64>,
    /// NoC at 90 % IoU, where it is published.
    pub noc_90: Option<f64>,
}

impl Published {
    /// The NoC at a threshold that is published.
    pub fn at(&self, threshold: f64) -> Option<f64> {
        match (threshold * 1000.0).round() as i64 {
            850 => self.noc_85,
            900 => self.noc_90,
            _ => None,
        }
    }
}

/// Data sets, in the order of the rows below.
const DATA: [&str; 5] = ["GrabCut", "Berkeley", "DAVIS", "SBD", "COCO_MVal"];

/// Not published.
const N: f64 = f64::NAN;

/// Weights, mode, and NoC@85 and NoC@90 on each data set.
type Row = (&'static str, &'static str, [(f64, f64); 5]);

// Some are near well-known constants by chance.
#[allow(clippy::approx_constant)]
#[rustfmt::skip]
const ROWS: [Row; 19] = [
    ("resnet34_dh128_sbd", "RGB-BRS", [(2.04, 2.50), (2.22, 4.49), (5.34, 7.91), (4.19, 6.83), (4.16, 5.52)]),
    ("resnet34_dh128_sbd", "f-BRS-B", [(2.06, 2.48), (2.40, 4.17), (5.34, 7.73), (4.47, 7.28), (4.31, 5.79)]),
    ("resnet50_dh128_sbd", "RGB-BRS", [(2.16, 2.56), (2.17, 4.27), (5.27, 7.51), (4.00, 6.59), (4.12, 5.61)]),
    ("resnet50_dh128_sbd", "f-BRS-B", [(2.20, 2.64), (2.17, 4.22), (5.44, 7.81), (4.55, 7.45), (4.31, 6.26)]),
    ("resnet101_dh256_sbd", "RGB-BRS", [(2.10, 2.46), (2.34, 3.91), (5.19, 7.23), (3.78, 6.28), (3.98, 5.45)]),
    ("resnet101_dh256_sbd", "f-BRS-B", [(2.30, 2.68), (2.61, 4.22), (5.32, 7.35), (4.20, 7.10), (4.11, 5.91)]),
    ("hrnet18_ocr64_sbd", "RGB-BRS", [(1.68, 1.94), (1.99, 3.81), (5.49, 7.98), (4.19, 6.84), (3.62, 5.04)]),
    ("hrnet18_ocr64_sbd", "f-BRS-B", [(1.86, 2.18), (2.07, 3.96), (5.62, 8.08), (4.70, 7.65), (3.87, 5.57)]),
    ("hrnet32_ocr128_sbd", "RGB-BRS", [(1.80, 2.16), (2.00, 3.58), (5.40, 7.59), (3.87, 6.33), (3.61, 5.12)]),
    ("hrnet32_ocr128_sbd", "f-BRS-B", [(1.78, 2.16), (2.13, 3.69), (5.54, 7.62), (4.31, 7.08), (3.82, 5.44)]),
    ("resnet50_dh128_lvis", "RGB-BRS", [(1.54, 1.76), (1.56, 2.70), (4.93, 6.22), (4.04, 6.85), (2.41, 3.47)]),
    ("resnet50_dh128_lvis", "f-BRS-B", [(1.52, 1.74), (1.56, 2.61), (4.94, 6.36), (4.29, 7.20), (2.34, 3.43)]),
    ("hrnet32_ocr128_lvis", "RGB-BRS", [(1.54, 1.60), (1.63, 2.59), (5.06, 6.34), (4.18, 6.96), (2.38, 3.55)]),
    ("hrnet32_ocr128_lvis", "f-BRS-B", [(1.54, 1.69), (1.64, 2.44), (5.17, 6.50), (4.37, 7.26), (2.35, 3.44)]),
    ("sbd_h18_itermask", "NoBRS", [(1.76, 2.04), (N, 3.22), (4.94, 6.71), (3.39, 5.43), (N, 4.39)]),
    ("coco_lvis_h18_baseline", "NoBRS", [(1.54, 1.70), (N, 2.48), (4.79, 6.00), (4.26, 6.86), (N, 3.58)]),
    ("coco_lvis_h18s_itermask", "NoBRS", [(1.54, 1.68), (N, 2.60), (4.70, 5.98), (4.04, 6.48), (N, 3.33)]),
    ("coco_lvis_h18_itermask", "NoBRS", [(1.42, 1.54), (N, 2.26), (4.36, 5.74), (3.80, 6.06), (N, 2.98)]),
    ("coco_lvis_h32_itermask", "NoBRS", [(1.46, 1.56), (N, 2.10), (4.11, 5.34), (3.59, 5.71), (N, 2.97)]),
];

/// The published numbers, where weights, mode and data set (by their published names) have some.
pub fn published(weights: &str, mode: &str, data: &str) -> Option<Published> {
    let row = ROWS.iter().find(|row| row.0 == weights && row.1 == mode)?;
    let column = DATA.iter().position(|name| *name == data)?;
    let (noc_85, noc_90) = *row.2.get(column)?;
    let number = |noc: f64| Some(noc).filter(|noc| noc.is_finite());
    Some(Published { noc_85: number(noc_85), noc_90: number(noc_90) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found() {
        let noc = |weights, mode, data| {
            published(weights, mode, data).map(|found| (found.noc_85, found.noc_90))
        };
        assert_eq!(
            noc("hrnet32_ocr128_lvis", "f-BRS-B", "COCO_MVal"),
            Some((Some(2.35), Some(3.44)))
        );
        let berkeley = noc("coco_lvis_h32_itermask", "NoBRS", "Berkeley");
        assert_eq!(berkeley, Some((None, Some(2.10))));
        assert_eq!(noc("resnet34_dh128_sbd", "RGB-BRS", "GrabCut"), Some((Some(2.04), Some(2.50))));
        assert_eq!(noc("resnet34_dh128_sbd", "NoBRS", "GrabCut"), None);
        assert_eq!(noc("default", "f-BRS-B", "GrabCut"), None);
    }
}
