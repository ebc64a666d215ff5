use std::time::Duration;

use fbrs::{Click, ClickReport, ImageSpace, Position, Sign, Size};
use serde::{Deserialize, Serialize};

use fbrs_data::annotations::rle::Rle;

/// Clicks on one object and what they gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectResult {
    /// Height and width of the photo.
    pub size: [usize; 2],
    /// The clicks: positive, row, column.
    pub clicks: Vec<(bool, usize, usize)>,
    /// IoU after each click.
    pub iou: Vec<f64>,
    /// Seconds of each click, by part.
    pub seconds: Vec<ClickSeconds>,
    /// The mask after the last click, as COCO packs it.
    pub mask: String,
}

impl ObjectResult {
    /// Before the first click.
    pub(crate) fn new(size: Size) -> Self {
        Self {
            size: [size.height, size.width],
            clicks: Vec::new(),
            iou: Vec::new(),
            seconds: Vec::new(),
            mask: String::new(),
        }
    }

    /// The clicks, as sessions have them.
    pub fn clicks(&self) -> impl Iterator<Item = Click<ImageSpace>> + '_ {
        self.clicks.iter().map(|(positive, row, col)| Click {
            position: Position::from_row_col(*row as f64, *col as f64),
            sign: if *positive { Sign::Positive } else { Sign::Negative },
        })
    }

    /// The mask after the last click, row-major; `None` where the journal's is damaged.
    pub fn mask(&self) -> Option<Vec<bool>> {
        let [height, width] = self.size;
        Some(Rle::unpack(&self.mask, Size { height, width }).ok()?.decode())
    }

    pub(crate) fn set_mask(&mut self, mask: &[bool]) {
        let [height, width] = self.size;
        let rle = Rle::encode(mask, Size { height, width });
        self.mask = rle.map(|rle| rle.pack()).unwrap_or_default();
    }

    /// Seconds of all clicks.
    pub fn total_seconds(&self) -> f64 {
        self.seconds.iter().map(|seconds| seconds.total).sum()
    }
}

/// Seconds of one click, by part; the parts' sum is the total.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ClickSeconds {
    /// The whole click.
    pub total: f64,
    /// Distance maps and backbone.
    pub backbone: f64,
    /// From the cut to the logits, all evaluations together.
    pub head_forward: f64,
    /// Gradients.
    pub head_backward: f64,
    /// Loss and ending tests.
    pub objective: f64,
    /// The optimizer itself.
    pub optimizer: f64,
    /// Cropping, resizing, averaging.
    pub transforms: f64,
    /// Evaluations of the objective.
    pub evaluations: usize,
}

impl ClickSeconds {
    /// The parts: name and seconds.
    pub fn parts(&self) -> [(&'static str, f64); 6] {
        [
            ("backbone", self.backbone),
            ("head forward", self.head_forward),
            ("head backward", self.head_backward),
            ("objective", self.objective),
            ("optimizer", self.optimizer),
            ("transforms", self.transforms),
        ]
    }
}

impl From<&ClickReport> for ClickSeconds {
    fn from(report: &ClickReport) -> Self {
        // Microseconds keep the lines of a journal short.
        let seconds = |time: Duration| time.as_micros() as f64 / 1e6;
        let refine = &report.refine;
        Self {
            total: seconds(report.total),
            backbone: seconds(refine.backbone),
            head_forward: seconds(refine.head_forward),
            head_backward: seconds(refine.head_backward),
            objective: seconds(refine.objective),
            optimizer: seconds(refine.optimizer),
            transforms: seconds(report.transforms),
            evaluations: refine.losses.len(),
        }
    }
}
