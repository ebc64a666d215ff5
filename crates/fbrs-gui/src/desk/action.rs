//! Everything that can be done by a key, and which key does it.

use egui::{Key, Modifiers};
use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($name:ident $text:literal $group:ident [$($chord:expr),*];)*) => {
        /// Something that a key, a button or a menu does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Action { $($name),* }

        impl Action {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// What it does, as people read it.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            pub(crate) fn group(self) -> Group {
                match self { $(Self::$name => Group::$group),* }
            }

            /// Its keys where nobody chose others.
            fn usual(self) -> Vec<Chord> {
                match self { $(Self::$name => vec![$($chord),*]),* }
            }
        }
    };
}

/// What keys are listed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Object,
    Clicks,
    Mask,
    Photo,
    Sight,
    Program,
}

impl Group {
    pub(crate) const ALL: [Self; 6] =
        [Self::Object, Self::Clicks, Self::Mask, Self::Photo, Self::Sight, Self::Program];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Object => "Objects",
            Self::Clicks => "Clicks",
            Self::Mask => "Masks by hand",
            Self::Photo => "Photos",
            Self::Sight => "View",
            Self::Program => "Program",
        }
    }
}

const fn plain(key: Key) -> Chord {
    Chord { key, command: false, shift: false }
}

const fn shift(key: Key) -> Chord {
    Chord { key, command: false, shift: true }
}

const fn command(key: Key) -> Chord {
    Chord { key, command: true, shift: false }
}

const fn both(key: Key) -> Chord {
    Chord { key, command: true, shift: true }
}

actions! {
    Finish "Finish the object" Object [plain(Key::Space)];
    FinishPart "Finish a part of the object" Object [plain(Key::A)];
    Cut "Finish: cut from the selected object" Object [plain(Key::X)];
    Join "Finish: join to the selected object" Object [plain(Key::M)];
    SelectNext "Select the next object" Object [plain(Key::J)];
    SelectPrevious "Select the previous object" Object [shift(Key::J)];
    Reopen "Go on with the selected object" Object [plain(Key::E)];
    Delete "Delete the click under the pointer, or the selected objects" Object
        [plain(Key::Delete), plain(Key::Backspace)];
    Raise "Move the object to the top" Object [plain(Key::PageUp)];
    Lower "Move the object to the bottom" Object [plain(Key::PageDown)];
    SearchClass "Choose a class by name" Object [plain(Key::C)];
    Undo "Undo" Clicks [command(Key::Z)];
    Redo "Redo" Clicks [both(Key::Z), command(Key::Y)];
    Reset "Reset the clicks" Clicks [plain(Key::R)];
    Cancel "Cancel the click and the queue; deselect" Clicks [plain(Key::Escape)];
    FlipClick "Turn the click under the pointer around" Clicks [plain(Key::I)];
    Pointer "Show or hide the keyboard's pointer" Clicks [plain(Key::P)];
    PointPositive "Click at the keyboard's pointer: object" Clicks [plain(Key::Period)];
    PointNegative "Click at the keyboard's pointer: background" Clicks [plain(Key::Comma)];
    Polygon "Draw a polygon that is object" Mask [plain(Key::G)];
    PolygonCut "Draw a polygon that is background" Mask [shift(Key::G)];
    Brush "Brush" Mask [plain(Key::B)];
    Eraser "Eraser" Mask [shift(Key::B)];
    BrushSmaller "Smaller brush" Mask [plain(Key::OpenBracket)];
    BrushLarger "Larger brush" Mask [plain(Key::CloseBracket)];
    Close "Close the polygon" Mask [plain(Key::Enter)];
    Previous "Previous photo" Photo [plain(Key::ArrowLeft)];
    Next "Next photo" Photo [plain(Key::ArrowRight)];
    NextUnfinished "Next unfinished photo" Photo [plain(Key::N)];
    PreviousUnfinished "Previous unfinished photo" Photo [shift(Key::N)];
    DoneAndNext "Done, and to the next unfinished photo" Photo [command(Key::Enter)];
    ToggleDone "Done, or not done" Photo [both(Key::Enter)];
    ZoomIn "Zoom in" Sight
        [plain(Key::Plus), plain(Key::Equals), shift(Key::Plus), shift(Key::Equals)];
    ZoomOut "Zoom out" Sight [plain(Key::Minus)];
    Fit "Show the whole photo" Sight [plain(Key::F)];
    Natural "A photo's pixel as one of the screen's" Sight [command(Key::Num0)];
    PanUp "Pan up" Sight [plain(Key::ArrowUp), plain(Key::W), shift(Key::ArrowUp)];
    PanDown "Pan down" Sight [plain(Key::ArrowDown), plain(Key::S), shift(Key::ArrowDown)];
    PanLeft "Pan left" Sight [shift(Key::ArrowLeft)];
    PanRight "Pan right" Sight [plain(Key::D), shift(Key::ArrowRight)];
    HideOthers "Hide or show the other objects" Sight [plain(Key::H)];
    Outlines "Outlines on or off" Sight [plain(Key::O)];
    Save "Save" Program [command(Key::S)];
    Export "Export" Program [command(Key::E)];
    Import "Import" Program [command(Key::I)];
    OpenPhoto "Open photos" Program [command(Key::O)];
    OpenFolder "Open a folder" Program [both(Key::O)];
    KeySheet "Keys" Program [plain(Key::F1)];
}

/// A key with what is held beside it. Command is Ctrl, and ⌘ on a Mac.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Chord {
    #[serde(with = "key_name")]
    pub(crate) key: Key,
    #[serde(default)]
    pub(crate) command: bool,
    #[serde(default)]
    pub(crate) shift: bool,
}

mod key_name {
    use egui::Key;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(key.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Key, D::Error> {
        let name = String::deserialize(source)?;
        Key::from_name(&name).ok_or_else(|| de::Error::custom("expected the name of a key"))
    }
}

impl Chord {
    /// As people read it.
    pub(crate) fn text(self) -> String {
        let command = match (self.command, cfg!(target_os = "macos")) {
            (true, true) => "⌘",
            (true, false) => "Ctrl+",
            (false, _) => "",
        };
        let shift = if self.shift { "Shift+" } else { "" };
        let key = match self.key {
            Key::ArrowLeft => "Left",
            Key::ArrowRight => "Right",
            Key::ArrowUp => "Up",
            Key::ArrowDown => "Down",
            Key::Escape => "Esc",
            key => key.symbol_or_name(),
        };
        format!("{command}{shift}{key}")
    }

    fn is_held(self, modifiers: Modifiers) -> bool {
        self.command == modifiers.command && self.shift == modifiers.shift && !modifiers.alt
    }
}

/// Which keys do what.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Keys {
    chords: Vec<(Action, Chord)>,
}

impl Default for Keys {
    fn default() -> Self {
        let chords = Action::ALL
            .iter()
            .flat_map(|action| action.usual().into_iter().map(|chord| (*action, chord)));
        Self { chords: chords.collect() }
    }
}

impl Keys {
    /// The usual keys but for those that were chosen. What was chosen and cannot be is left out.
    pub(crate) fn with_chosen(chosen: &[(Action, Chord)]) -> Self {
        let mut keys = Self::default();
        // Keys may have been swapped: none of those that were changed has its usual one.
        keys.chords.retain(|(action, _)| !chosen.iter().any(|(own, _)| own == action));
        for (action, chord) in chosen {
            // A conflict in a file that somebody wrote: the usual key stays.
            let _ = keys.choose(*action, *chord);
        }
        keys
    }

    /// What was chosen.
    pub(crate) fn chosen(&self) -> Vec<(Action, Chord)> {
        let differs = |(action, _): &&(Action, Chord)| !self.is_usual(*action);
        self.chords.iter().filter(differs).copied().collect()
    }

    /// Whether an action has its usual keys.
    pub(crate) fn is_usual(&self, action: Action) -> bool {
        self.of(action).eq(action.usual())
    }

    /// The keys of an action.
    pub(crate) fn of(&self, action: Action) -> impl Iterator<Item = Chord> {
        self.chords.iter().filter(move |(own, _)| *own == action).map(|(_, chord)| *chord)
    }

    /// Its keys as people read them.
    pub(crate) fn text(&self, action: Action) -> String {
        self.of(action).map(Chord::text).collect::<Vec<_>>().join(", ")
    }

    /// Makes a key the only one of an action.
    ///
    /// # Errors
    /// Whose key it is already, or why it cannot be.
    pub(crate) fn choose(&mut self, action: Action, chord: Chord) -> Result<(), String> {
        if let Some((other, _)) =
            self.chords.iter().find(|(other, known)| *known == chord && *other != action)
        {
            return Err(format!("{} is the key of “{}”", chord.text(), other.text()));
        }
        let digits = [
            Key::Num0,
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Num7,
            Key::Num8,
            Key::Num9,
        ];
        if digits.contains(&chord.key) && !chord.command {
            return Err(format!("{} chooses a class", chord.text()));
        }
        if chord.key == Key::Tab {
            return Err("Tab goes from one control to the next".to_owned());
        }
        self.chords.retain(|(own, _)| *own != action);
        self.chords.push((action, chord));
        Ok(())
    }

    /// Gives an action its usual keys back, as far as others do not have them.
    pub(crate) fn forget(&mut self, action: Action) {
        self.chords.retain(|(own, _)| *own != action);
        for chord in action.usual() {
            if !self.chords.iter().any(|(_, known)| *known == chord) {
                self.chords.push((action, chord));
            }
        }
    }

    /// What a key does. Letters act by their place on the keyboard, as the hand knows them; signs by
    /// what is written on them.
    pub(crate) fn action(
        &self,
        key: Key,
        physical: Option<Key>,
        held: Modifiers,
    ) -> Option<Action> {
        let is_letter = |key: Key| key.name().len() == 1 && key >= Key::A && key <= Key::Z;
        // With Ctrl it is the letter that people read: Ctrl+Z is where Z is written.
        let by_place = physical.filter(|key| is_letter(*key) && !held.command);
        let find = |key: Key| {
            let found =
                self.chords.iter().find(|(_, chord)| chord.key == key && chord.is_held(held));
            found.map(|(action, _)| *action)
        };
        match by_place {
            Some(place) => find(place),
            None => find(key),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let keys = Keys::default();
        let mut seen = HashSet::new();
        for (action, chord) in &keys.chords {
            assert!(seen.insert(*chord), "{action:?} {chord:?}");
            assert_eq!(keys.action(chord.key, Some(chord.key), modifiers(*chord)), Some(*action));
        }
        for action in Action::ALL {
            assert!(keys.of(*action).next().is_some(), "{action:?} has no key");
        }
    }

    fn modifiers(chord: Chord) -> Modifiers {
        Modifiers {
            command: chord.command,
            ctrl: chord.command,
            shift: chord.shift,
            ..Modifiers::NONE
        }
    }

    #[test]
    fn conflicts_are_refused_and_choices_come_back() {
        let mut keys = Keys::default();
        let error = keys.choose(Action::Fit, plain(Key::Space)).unwrap_err();
        assert!(error.contains("Finish the object"), "{error}");
        assert!(keys.choose(Action::Fit, plain(Key::Num3)).unwrap_err().contains("class"));
        assert!(keys.choose(Action::Fit, plain(Key::Tab)).is_err());
        keys.choose(Action::Fit, plain(Key::K)).unwrap();
        assert_eq!(keys.action(Key::K, Some(Key::K), Modifiers::NONE), Some(Action::Fit));
        assert_eq!(keys.action(Key::F, Some(Key::F), Modifiers::NONE), None);
        let text = serde_json::to_string(&keys.chosen()).unwrap();
        let chosen: Vec<(Action, Chord)> = serde_json::from_str(&text).unwrap();
        assert_eq!(chosen.len(), 1);
        assert_eq!(
            Keys::with_chosen(&chosen).action(Key::K, None, Modifiers::NONE),
            Some(Action::Fit)
        );
        keys.forget(Action::Fit);
        assert_eq!(keys, {
            let mut usual = Keys::default();
            usual.forget(Action::Fit);
            usual
        });
    }

    /// On an AZERTY keyboard the key at the place of W is labeled Z.
    #[test]
    fn letters_act_by_their_place() {
        let keys = Keys::default();
        assert_eq!(keys.action(Key::Z, Some(Key::W), Modifiers::NONE), Some(Action::PanUp));
        assert_eq!(keys.action(Key::Q, Some(Key::A), Modifiers::NONE), Some(Action::FinishPart));
        // With Ctrl by what is written on them: on a German keyboard Z is at the place of Y.
        let held = Modifiers { command: true, ctrl: true, ..Modifiers::NONE };
        assert_eq!(keys.action(Key::Z, Some(Key::Y), held), Some(Action::Undo));
        // Signs by what is written on them.
        assert_eq!(keys.action(Key::Plus, Some(Key::Slash), Modifiers::NONE), Some(Action::ZoomIn));
        // Alt belongs to the system.
        assert_eq!(keys.action(Key::F, Some(Key::F), Modifiers::ALT), None);
    }
}
