//! The window used by a script: for checks, and for pictures of it.
//!
//! A script is a text with a command a line:
//!
//! | command | does |
//! |---|---|
//! | `click X Y`, `negative X Y` | clicks a pixel of the photo |
//! | `drag X Y TO_X TO_Y` | drags with the left button, from pixel to pixel |
//! | `point X Y` | moves the mouse there |
//! | `key NAME…` | presses a key, `Ctrl` and `Shift` before it where they are held |
//! | `type TEXT` | writes a text |
//! | `class NAME` | chooses a class |
//! | `select ID` | selects an object |
//! | `theme light`, `scale 200`, `size W H` | how the window looks |
//! | `flowers` | opens the photo that comes with the program |
//! | `idle` | waits until everything is answered, saved and painted |
//! | `frames N` | lets so many frames pass |
//! | `picture NAME` | keeps a picture of the window as `NAME.png` |
//! | `expect objects N`, `expect clicks N`, `expect done`, `expect message TEXT` | fails where it is not so |
//! | `wait MILLISECONDS` | waits |
//! | `kill` | ends the process at once, as `kill -9` does |
//! | `quit` | closes the window |
//!
//! Empty lines and what follows a `#` are left out.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use egui::{
    ColorImage, Context, Event, Key, Modifiers, PointerButton, Pos2, RawInput, ViewportCommand,
    vec2,
};
use fbrs::Position;
use fbrs_data::files::{self, Destination};

use crate::desk::Theme;
use crate::ui::Window;

/// Plays a script in a window.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    commands: VecDeque<(usize, Vec<String>)>,
    pictures: PathBuf,
    /// What is given to the window in its next frame.
    events: VecDeque<Vec<Event>>,
    taken: Taken,
    waits: Waits,
    outcome: Outcome,
    is_over: bool,
}

/// A picture of the window that was asked for.
type Taken = Arc<Mutex<Option<Arc<ColorImage>>>>;

#[derive(Debug, Clone, PartialEq)]
enum Waits {
    Nothing,
    /// Frames.
    Frames(usize),
    /// Until nothing happens any more, at the latest then.
    Idle {
        since: Option<Instant>,
        until: Instant,
    },
    Until(Instant),
    /// For the picture of that name.
    Picture(String),
}

/// What became of a script.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome(Arc<Mutex<Option<String>>>);

impl Outcome {
    pub(crate) fn failure(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Longest time until everything is answered.
const PATIENCE: Duration = Duration::from_secs(120);
/// Nothing happened for so long.
const CALM: Duration = Duration::from_millis(250);

impl Player {
    pub(crate) fn read(script: &Path, pictures: &Path) -> Result<Self, String> {
        let text = files::read_text(script, 1 << 20).map_err(|error| error.to_string())?;
        let commands = text.lines().enumerate().filter_map(|(number, line)| {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            (!words.is_empty()).then_some((number + 1, words))
        });
        Ok(Self {
            commands: commands.collect(),
            pictures: pictures.to_owned(),
            events: VecDeque::new(),
            taken: Taken::default(),
            waits: Waits::Frames(3),
            outcome: Outcome::default(),
            is_over: false,
        })
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    /// Gives the window what the script's hands do.
    pub(crate) fn feed(&mut self, input: &mut RawInput) {
        // Nobody else is at this window.
        input.events.clear();
        if let Some(events) = self.events.pop_front() {
            input.events.extend(events);
        }
        input.focused = true;
    }

    /// Goes on with the script.
    pub(crate) fn play(&mut self, window: &mut Window, ctx: &Context) {
        ctx.request_repaint();
        self.keep_picture(ctx);
        if self.is_over || !self.events.is_empty() || !self.has_waited(window) {
            return;
        }
        let Some((line, words)) = self.commands.pop_front() else {
            self.is_over = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
            return;
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Err(problem) = self.command(&words, window, ctx) {
            self.fail(format!("script, line {line}: {problem}"), ctx);
        }
    }

    fn fail(&mut self, problem: String, ctx: &Context) {
        *self.outcome.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
        self.is_over = true;
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }

    fn has_waited(&mut self, window: &Window) -> bool {
        match &mut self.waits {
            Waits::Nothing => return true,
            Waits::Frames(0) => {}
            Waits::Frames(count) => {
                *count -= 1;
                return false;
            }
            Waits::Until(until) if Instant::now() < *until => return false,
            Waits::Until(_) => {}
            Waits::Picture(_) => return false,
            Waits::Idle { since, until } => {
                let now = Instant::now();
                if !window.is_idle() {
                    *since = None;
                    if now < *until {
                        return false;
                    }
                }
                let calm = now.duration_since(*since.get_or_insert(now)) >= CALM;
                if !calm && now < *until {
                    return false;
                }
            }
        }
        self.waits = Waits::Nothing;
        true
    }

    fn command(
        &mut self,
        words: &[&str],
        window: &mut Window,
        ctx: &Context,
    ) -> Result<(), String> {
        let number = |at: usize| -> Result<f64, String> {
            let word = words.get(at).ok_or("a number is missing")?;
            word.parse().map_err(|_| format!("“{word}” is no number"))
        };
        let rest = |from: usize| words.get(from..).unwrap_or_default().join(" ");
        match words.first().copied().unwrap_or_default() {
            "click" => self.press(window, [number(1)?, number(2)?], PointerButton::Primary)?,
            "negative" => self.press(window, [number(1)?, number(2)?], PointerButton::Secondary)?,
            "point" => {
                let at = at(window, [number(1)?, number(2)?])?;
                self.events.push_back(vec![Event::PointerMoved(at)]);
            }
            "drag" => {
                let from = at(window, [number(1)?, number(2)?])?;
                let to = at(window, [number(3)?, number(4)?])?;
                self.drag(from, to);
            }
            "key" => self.key(words.get(1..).unwrap_or_default())?,
            "type" => self.events.push_back(vec![Event::Text(rest(1))]),
            "class" => window.desk.choose_class_named(&rest(1)),
            "select" => window.desk.select(Some(number(1)? as u64), false),
            "theme" => {
                window.desk.settings.theme = match rest(1).as_str() {
                    "light" => Theme::Light,
                    "dark" => Theme::Dark,
                    _ => Theme::System,
                };
            }
            "scale" => window.desk.settings.scale = (number(1)? as u32).clamp(75, 300),
            "size" => {
                let size = vec2(number(1)? as f32, number(2)? as f32);
                ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
                self.waits = Waits::Frames(10);
            }
            "idle" => {
                self.waits = Waits::Idle { since: None, until: Instant::now() + PATIENCE };
            }
            "frames" => self.waits = Waits::Frames(number(1)? as usize),
            "wait" => {
                let time = Duration::from_millis(number(1)? as u64);
                self.waits = Waits::Until(Instant::now() + time);
            }
            "picture" => {
                let taken = self.taken.clone();
                ctx.request_screenshot(move |picture| {
                    *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture);
                });
                self.waits = Waits::Picture(rest(1));
            }
            "flowers" => window.open_flowers(),
            "expect" => expect(window, words.get(1..).unwrap_or_default())?,
            "kill" => std::process::abort(),
            "quit" => self.commands.clear(),
            other => return Err(format!("“{other}” is no command")),
        }
        Ok(())
    }

    fn press(
        &mut self,
        window: &mut Window,
        place: [f64; 2],
        button: PointerButton,
    ) -> Result<(), String> {
        let at = at(window, place)?;
        let event =
            |pressed| Event::PointerButton { pos: at, button, pressed, modifiers: Modifiers::NONE };
        self.events.extend([vec![Event::PointerMoved(at)], vec![event(true)], vec![event(false)]]);
        Ok(())
    }

    fn drag(&mut self, from: Pos2, to: Pos2) {
        let event = |pos, pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        self.events.extend([vec![Event::PointerMoved(from)], vec![event(from, true)]]);
        for step in 1..=8 {
            let at = from.lerp(to, step as f32 / 8.0);
            self.events.push_back(vec![Event::PointerMoved(at)]);
        }
        self.events.push_back(vec![event(to, false)]);
    }

    fn key(&mut self, words: &[&str]) -> Result<(), String> {
        let mut modifiers = Modifiers::NONE;
        let mut pressed = None;
        for word in words {
            match *word {
                "Ctrl" => modifiers = modifiers | Modifiers::CTRL | Modifiers::COMMAND,
                "Shift" => modifiers = modifiers | Modifiers::SHIFT,
                name => pressed = Some(Key::from_name(name).ok_or(format!("“{name}” is no key"))?),
            }
        }
        let key = pressed.ok_or("a key is missing")?;
        let event = |pressed| Event::Key {
            key,
            physical_key: Some(key),
            pressed,
            repeat: false,
            modifiers,
        };
        self.events.extend([
            vec![Event::ModifiersChanged(modifiers), event(true)],
            vec![event(false), Event::ModifiersChanged(Modifiers::NONE)],
        ]);
        Ok(())
    }

    /// Keeps a picture that was asked for.
    fn keep_picture(&mut self, ctx: &Context) {
        let Waits::Picture(name) = &self.waits else { return };
        let picture = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(picture) = picture else { return };
        let path = self.pictures.join(format!("{name}.png"));
        self.waits = Waits::Nothing;
        let [width, height] = picture.size.map(|side| side as u32);
        let bytes: Vec<u8> = picture.pixels.iter().flat_map(|color| color.to_array()).collect();
        let written = std::fs::create_dir_all(&self.pictures).and_then(|()| {
            let picture = image::RgbaImage::from_raw(width, height, bytes);
            let picture =
                picture.ok_or_else(|| std::io::Error::other("the picture is incomplete"))?;
            Destination::new(&path)?.replace(|out| {
                picture.write_to(out, image::ImageFormat::Png).map_err(std::io::Error::other)
            })
        });
        if let Err(error) = written {
            self.fail(format!("{} cannot be written: {error}", path.display()), ctx);
        }
    }
}

fn at(window: &mut Window, [x, y]: [f64; 2]) -> Result<Pos2, String> {
    window.to_screen(Position::at_xy(x, y)).ok_or("no photo is open".to_owned())
}

fn expect(window: &Window, words: &[&str]) -> Result<(), String> {
    let desk = &window.desk;
    let count = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
    let same = |what: &str, found: usize| match count(1) {
        Some(expected) if expected == found => Ok(()),
        expected => Err(format!("expected {expected:?} {what}, found {found}")),
    };
    match words.first().copied().unwrap_or_default() {
        "objects" => same("objects", desk.document().map_or(0, |document| document.objects.len())),
        "clicks" => same("clicks", desk.current().map_or(0, |current| current.clicks.len())),
        "photos" => same("photos", desk.photos.len()),
        "done" if desk.is_done() => Ok(()),
        "done" => Err("expected the photo to be done".to_owned()),
        "mask" if desk.answer.mask.as_ref().is_some_and(|mask| !mask.is_empty()) => Ok(()),
        "mask" => Err("expected a mask".to_owned()),
        "message" => {
            let text = words.get(1..).unwrap_or_default().join(" ");
            match desk.messages.iter().any(|message| message.text.contains(&text)) {
                true => Ok(()),
                false => Err(format!("nobody said “{text}”; said was: {:?}", desk.messages)),
            }
        }
        other => Err(format!("“{other}” cannot be expected")),
    }
}
