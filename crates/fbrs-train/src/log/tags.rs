use std::borrow::Cow;

/// The name of a curve.
///
/// The constants are the published programs' names, so that old and new curves lie in one plot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(Cow<'static, str>);

impl Tag {
    /// The main loss of a step.
    pub const TRAIN_INSTANCE_LOSS: Self = Self::of("TrainLosses/instance_loss");
    /// The auxiliary output's.
    pub const TRAIN_AUX_LOSS: Self = Self::of("TrainLosses/instance_aux_loss");
    /// The sum with its weights.
    pub const TRAIN_LOSS: Self = Self::of("TrainLosses/overall");
    /// The running average of the focal loss's multiplier.
    pub const TRAIN_LOSS_K: Self = Self::of("TrainLosses/instance_loss_k");
    /// The running average of the focal loss's largest weight.
    pub const TRAIN_LOSS_M: Self = Self::of("TrainLosses/instance_loss_m");
    /// The learning rate that a step was taken with.
    pub const LEARNING_RATE: Self = Self::of("TrainStates/learning_rate");
    /// The running mean of the IoU.
    pub const TRAIN_EMA_IOU: Self = Self::of("TrainMetrics/AdaptiveIoU_ema_iou");
    /// Its threshold.
    pub const TRAIN_IOU_THRESHOLD: Self = Self::of("TrainMetrics/AdaptiveIoU_iou_thresh");
    /// The IoU of an epoch.
    pub const TRAIN_IOU: Self = Self::of("TrainMetrics/AdaptiveIoU");
    /// The main loss of a validation.
    pub const VALIDATION_INSTANCE_LOSS: Self = Self::of("ValLosses/instance_loss");
    /// The IoU of a validation.
    pub const VALIDATION_IOU: Self = Self::of("ValMetrics/AdaptiveIoU");
    /// The mean number of clicks of a validation.
    pub const VALIDATION_NOC: Self = Self::of("ValMetrics/NoC");
    /// Pictures of samples.
    pub const PICTURES: Self = Self::of("TrainPictures/sample");

    const fn of(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A curve of one's own.
    pub fn new(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
