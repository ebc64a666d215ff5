//! Controls, found by the names that screen readers say.

use std::sync::{Arc, Mutex, PoisonError};

use egui::{Context, FullOutput, Plugin, Pos2, pos2};

/// Names and places of all controls in the last frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Controls {
    known: Arc<Mutex<Vec<(String, Pos2)>>>,
    is_looking: bool,
}

impl Controls {
    /// Looks at controls from the next frame on.
    pub(super) fn look(&mut self, ctx: &Context) {
        if !self.is_looking {
            self.is_looking = true;
            ctx.add_plugin(Listener { known: self.known.clone() });
        }
        ctx.enable_accesskit();
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The middle of a control: the one of this name, else one whose name begins so.
    pub(super) fn find(&self, name: &str) -> Option<Pos2> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let exact = known.iter().find(|(own, _)| own == name);
        let found = exact.or_else(|| known.iter().find(|(own, _)| own.starts_with(name)));
        found.map(|(_, at)| *at)
    }

    pub(super) fn names(&self) -> Vec<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(name, _)| name.clone()).collect()
    }
}

struct Listener {
    known: Arc<Mutex<Vec<(String, Pos2)>>>,
}

impl Plugin for Listener {
    fn debug_name(&self) -> &'static str {
        "script"
    }

    fn output_hook(&mut self, _ctx: &Context, output: &mut FullOutput) {
        let Some(update) = &output.platform_output.accesskit_update else { return };
        let named = update.nodes.iter().filter_map(|(_, node)| {
            let (name, bounds) = (node.label().or(node.value())?, node.bounds()?);
            let at = pos2((bounds.x0 + bounds.x1) as f32, (bounds.y0 + bounds.y1) as f32);
            Some((name.to_owned(), (0.5 * at.to_vec2()).to_pos2()))
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = named.collect();
        // Those that were drawn last lie on top.
        known.reverse();
    }
}
