use fbrs_clicks::Size;

/// What the ground truth says of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Not the object.
    Background,
    /// The object.
    Object,
    /// Neither: such pixels count nowhere.
    Ignore,
}

impl Label {
    /// Object where `is_object` holds, else background.
    pub fn object_where(is_object: bool) -> Self {
        if is_object { Self::Object } else { Self::Background }
    }
}

/// Ground truth of one object: a label for every pixel of its photo, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    size: Size,
    labels: Vec<Label>,
}

impl Truth {
    /// `None` where there are not `height · width` labels.
    pub fn new(size: Size, labels: Vec<Label>) -> Option<Self> {
        (size.height.checked_mul(size.width) == Some(labels.len())).then_some(Self { size, labels })
    }

    /// The photo's height and width.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The labels, row-major.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Whether no pixel is object.
    pub fn is_empty(&self) -> bool {
        !self.labels.contains(&Label::Object)
    }

    /// Intersection over union of a mask (row-major, true is object) and the object, over the
    /// pixels that are not ignored; 0 where both are empty.
    pub fn iou(&self, mask: &[bool]) -> f64 {
        let (mut both, mut either) = (0u64, 0u64);
        for (label, predicted) in self.labels.iter().zip(mask) {
            let object = match label {
                Label::Object => true,
                Label::Background => false,
                Label::Ignore => continue,
            };
            both += u64::from(object && *predicted);
            either += u64::from(object || *predicted);
        }
        if either == 0 { 0.0 } else { both as f64 / either as f64 }
    }
}
