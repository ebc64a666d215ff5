use serde::{Deserialize, Serialize};

/// How objects and clicks are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickOptions {
    /// Places for clicks on the object, and as many for clicks beside it.
    pub slots: usize,
    /// How much rarer one more click is.
    pub gamma: f64,
    /// Whose rules hold.
    pub rules: ClickRules,
    /// Probability that several objects are one target.
    pub merge: f64,
    /// How many at most.
    pub max_merged: usize,
    /// Clicks on the object keep away from its edge.
    pub erosion: Erosion,
    /// Where clicks beside the object lie.
    pub strategies: Strategies,
    /// Whether targets may be parts of objects, and lack some of theirs. Of RITM's rules.
    pub hierarchy: bool,
    /// Whether targets have soft edges where the photo was resampled. Of RITM's rules.
    pub soft_targets: bool,
    /// Where an object's first click lies, if it has a place of its own. Of RITM's rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_click: Option<FirstClick>,
    /// Whether of several objects that are one target only one has a first click. Of RITM's rules.
    pub only_one_first_click: bool,
}

/// Whose rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClickRules {
    /// f-BRS's: all clicks beside the object follow one strategy.
    Fbrs,
    /// RITM's: each click beside the object draws its own.
    Ritm,
}

/// How an object is eroded before it is clicked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erosion {
    /// How often.
    pub probability: f64,
    /// How many pixels from the edge; what has 10 pixels or fewer left stays whole.
    pub pixels: u8,
}

/// How often clicks beside the object lie where; the three sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strategies {
    /// Anywhere.
    pub background: f64,
    /// On other objects.
    pub other: f64,
    /// Along the edge.
    pub border: f64,
    /// Width of the edge, as a share of the square root of the object's area.
    pub border_width: f64,
}

/// Where the first click on an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstClick {
    /// Uniformly where the distance to the edge exceeds the greatest one divided by this; 0: anywhere, the
    /// farther from the edge the likelier.
    pub inner: f64,
    /// Probability that it lies anywhere after all.
    pub anywhere: f64,
}

impl FirstClick {
    /// RITM's numbers.
    pub fn center() -> Self {
        Self { inner: 1.7, anywhere: 0.0 }
    }
}

impl ClickOptions {
    /// f-BRS's.
    pub fn fbrs() -> Self {
        Self {
            slots: 10,
            gamma: 0.7,
            rules: ClickRules::Fbrs,
            merge: 0.15,
            max_merged: 2,
            erosion: Erosion { probability: 0.9, pixels: 3 },
            strategies: Strategies { background: 0.1, other: 0.4, border: 0.5, border_width: 0.1 },
            hierarchy: false,
            soft_targets: false,
            first_click: None,
            only_one_first_click: false,
        }
    }

    /// RITM's.
    pub fn ritm() -> Self {
        Self { slots: 24, gamma: 0.8, rules: ClickRules::Ritm, ..Self::fbrs() }
    }
}
