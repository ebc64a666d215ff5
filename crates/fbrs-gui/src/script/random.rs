//! Acts of a person who does all kinds of things.

use std::collections::VecDeque;

use crate::ui::Window;

/// Acts without end in sight, the same for the same seed and the same answers.
#[derive(Debug, Clone)]
pub(super) struct Random {
    left: usize,
    state: u64,
    next: VecDeque<String>,
}

impl Random {
    pub(super) fn new(acts: usize, seed: u64) -> Self {
        Self { left: acts, state: seed, next: VecDeque::new() }
    }

    /// Splitmix64.
    fn number(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }

    /// The next command; `None` when all acts are done.
    pub(super) fn act(&mut self, window: &Window) -> Option<String> {
        if let Some(next) = self.next.pop_front() {
            return Some(next);
        }
        self.left = self.left.checked_sub(1)?;
        let size = window.desk.open.as_ref().map(|open| open.photo.size());
        let [width, height] = size.map_or([1, 1], |size| [size.width as u64, size.height as u64]);
        let mut place = || format!("{} {}", self.number(width), self.number(height));
        let places: Vec<String> = (0..5).map(|_| place()).collect();
        let place = |at: usize| places.get(at).cloned().unwrap_or_default();
        let clicks = window.desk.current().map(|current| current.clicks.clone());
        let click = clicks.and_then(|clicks| clicks.first().copied());
        let click = click.map(|click| format!("{} {}", click.position.x(), click.position.y()));
        let pause = format!("frames {}", self.number(12));
        let digit = self.number(9) + 1;
        let key = |text: &str| vec![format!("key {text}")];
        let acts = match self.number(100) {
            0..24 => vec![format!("click {}", place(0))],
            24..32 => vec![format!("negative {}", place(0))],
            32..37 => key("Escape"),
            37..48 => {
                let waits = self.number(3) > 0;
                let finish = "key Space".to_owned();
                if waits { vec!["until answered".to_owned(), finish] } else { vec![finish] }
            }
            48..50 => key("A"),
            50..56 => key("Ctrl Z"),
            56..60 => key("Ctrl Shift Z"),
            60..62 => key("ArrowRight"),
            62..64 => key("ArrowLeft"),
            64 => key("N"),
            65..67 => key(&digit.to_string()),
            67 => vec![format!("class {}", ["cat", "dog", "Straße", "写真"][digit as usize % 4])],
            68..70 => key("J"),
            70..72 => key("E"),
            72 => key("Delete"),
            73 => key("X"),
            74 => key("M"),
            75 => key("R"),
            76..78 => {
                let corners = (0..3 + digit as usize % 3).map(|at| format!("click {}", place(at)));
                let begin = ["key G", "key Shift G"][usize::from(digit > 7)].to_owned();
                let mut acts: Vec<_> = std::iter::once(begin).chain(corners).collect();
                acts.extend(["key Enter".to_owned(), "key Escape".to_owned()]);
                acts
            }
            78..81 => {
                let begin = ["key B", "key Shift B"][usize::from(digit > 6)].to_owned();
                vec![begin, format!("drag {} {}", place(0), place(1)), "key Escape".to_owned()]
            }
            81 => key(["OpenBracket", "CloseBracket"][digit as usize % 2]),
            82 => key(["H", "O"][digit as usize % 2]),
            83 => key(["PageUp", "PageDown"][digit as usize % 2]),
            84 => key(["Ctrl Enter", "Ctrl Shift Enter"][digit as usize % 2]),
            85..88 => match click {
                Some(from) => vec![format!("drag {from} {}", place(1))],
                None => Vec::new(),
            },
            88 => match click {
                Some(at) => vec![format!("point {at}"), "key I".to_owned()],
                None => Vec::new(),
            },
            89 => match click {
                Some(at) => vec![format!("point {at}"), "key Delete".to_owned()],
                None => Vec::new(),
            },
            90 => {
                let keys = ["P", "ArrowLeft", "Shift ArrowDown", "Period", "Comma", "P"];
                keys.iter().map(|name| format!("key {name}")).collect()
            }
            91..93 => vec![format!("wheel {}", digit as i64 - 5)],
            93 => key(["F", "Ctrl 0", "Plus", "Minus"][digit as usize % 4]),
            94 => vec![format!("pan {} {} 6", digit as i64 * 5 - 25, 25 - digit as i64 * 5)],
            95 => key("Ctrl S"),
            96 => vec!["key Ctrl E".to_owned(), "frames 4".to_owned(), "key Escape".to_owned()],
            97 => vec!["key F1".to_owned(), "frames 4".to_owned(), "key F1".to_owned()],
            98 => vec![format!("theme {}", ["light", "dark"][digit as usize % 2])],
            _ => vec![format!("wait {}", 40 * digit)],
        };
        self.next.extend(acts);
        self.next.push_back(pause);
        self.next.pop_front()
    }
}
