//! The window used by a script: for checks, and for pictures of it.
//!
//! A script is a text with a command a line:
//!
//! | command | does |
//! |---|---|
//! | `click X Y`, `negative X Y` | clicks a pixel of the photo |
//! | `drag X Y TO_X TO_Y` | drags with the left button, from pixel to pixel |
//! | `point X Y` | moves the mouse there |
//! | `pan DX DY N` | two fingers pan by points, in each of N frames |
//! | `wheel NOTCHES` | turns the wheel above the middle of the photo |
//! | `key NAME…` | presses a key, `Ctrl` and `Shift` before it where they are held |
//! | `type TEXT` | writes a text |
//! | `press LABEL` | clicks the control of that name |
//! | `class NAME` | chooses a class |
//! | `select ID` | selects an object |
//! | `mode NAME` | refines new objects in that mode |
//! | `theme light`, `scale 200`, `size W H` | how the window looks |
//! | `flowers` | opens the photo that comes with the program |
//! | `open PATH`, `photo NAME` | opens a folder or photo; a photo of the folder that is open |
//! | `random N SEED` | N acts of a person, some of them at once |
//! | `idle` | waits until everything is answered, saved and painted |
//! | `until WHAT` | waits for one thing, see `wait.rs`, and keeps how long it took |
//! | `frames N` | lets so many frames pass |
//! | `wait MILLISECONDS` | waits |
//! | `watch`, `watched NAME` | begins to measure frames; keeps what they took |
//! | `mark NAME` | keeps the time and the memory in use |
//! | `states` | keeps from here on what every change left of the document |
//! | `picture NAME` | keeps a picture of the window as `NAME.png` |
//! | `expect …` | fails where it is not so, see `expect.rs` |
//! | `kill` | ends the process at once, as `kill -9` does |
//! | `quit` | closes the window |
//!
//! Empty lines and what follows a `#` are left out. What is kept goes to `log.jsonl` beside the
//! pictures, an object of JSON a line.

mod controls;
mod expect;
mod hands;
mod log;
mod random;
mod wait;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use egui::{ColorImage, Context, Event, PointerButton, RawInput, ViewportCommand, vec2};
use fbrs::Mode;
use fbrs_annotation::PhotoPath;
use fbrs_data::files::{self, Destination};
use serde_json::json;

use crate::desk::Theme;
use crate::ui::Window;

use controls::Controls;
use log::Log;
use random::Random;
use wait::{Until, Waits};

/// Plays a script in a window.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    commands: VecDeque<(usize, Vec<String>)>,
    pictures: PathBuf,
    log: Log,
    /// What is given to the window in its next frame.
    events: VecDeque<Vec<Event>>,
    /// When the hands did something last.
    touched: Instant,
    taken: Taken,
    waits: Waits,
    controls: Controls,
    random: Option<Random>,
    outcome: Outcome,
    is_over: bool,
}

/// Between two looks whether something that is waited for is there.
const GLANCE: Duration = Duration::from_millis(100);

/// A picture of the window that was asked for.
type Taken = Arc<Mutex<Option<Arc<ColorImage>>>>;

/// What became of a script.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome(Arc<Mutex<Option<String>>>);

impl Outcome {
    pub(crate) fn failure(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

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
            log: Log::begin(pictures),
            events: VecDeque::new(),
            touched: Instant::now(),
            taken: Taken::default(),
            waits: Waits::Frames(3),
            controls: Controls::default(),
            random: None,
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
            self.touched = Instant::now();
        }
        input.focused = true;
    }

    /// Goes on with the script after a frame, which took the window so long.
    pub(crate) fn play(&mut self, window: &mut Window, ctx: &Context, took: Duration) {
        // While nobody does anything, frames are left to whoever wants one, as without a script.
        match self.waits {
            Waits::Until { .. } if self.events.is_empty() => ctx.request_repaint_after(GLANCE),
            _ => ctx.request_repaint(),
        }
        self.log.frame(took);
        self.log.state(window);
        self.keep_picture(ctx);
        if self.is_over || !self.events.is_empty() {
            return;
        }
        match self.has_waited(window, ctx) {
            Ok(true) => {}
            Ok(false) => return,
            Err(problem) => return self.fail(problem, ctx),
        }
        if let Some(random) = &mut self.random {
            if let Some(act) = random.act(window) {
                let words: Vec<&str> = act.split_whitespace().collect();
                // Not everything can be done at any time.
                let _ = self.command(&words, window, ctx);
                return;
            }
            self.random = None;
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
        self.log.keep(json!({"failed": problem}));
        *self.outcome.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
        self.is_over = true;
        ctx.send_viewport_cmd(ViewportCommand::Close);
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
            "click" => {
                let at = hands::at(window, [number(1)?, number(2)?])?;
                self.log.keep(json!({"click": [number(1)?, number(2)?], "screen": [at.x, at.y]}));
                self.events.extend(hands::press(at, PointerButton::Primary));
            }
            "negative" => {
                let at = hands::at(window, [number(1)?, number(2)?])?;
                self.events.extend(hands::press(at, PointerButton::Secondary));
            }
            "point" => {
                let at = hands::at(window, [number(1)?, number(2)?])?;
                self.events.push_back(vec![Event::PointerMoved(at)]);
            }
            "drag" => {
                let from = hands::at(window, [number(1)?, number(2)?])?;
                let to = hands::at(window, [number(3)?, number(4)?])?;
                self.events.extend(hands::drag(from, to));
            }
            "pan" => {
                let (by, frames) = (vec2(number(1)? as f32, number(2)? as f32), number(3)?);
                let middle = hands::middle(window)?;
                self.events.extend(hands::pan(middle, by, frames as usize));
            }
            "wheel" => {
                let middle = hands::middle(window)?;
                self.events.extend(hands::wheel(middle, number(1)? as f32));
            }
            "key" => self.events.extend(hands::key(words.get(1..).unwrap_or_default())?),
            "type" => self.events.push_back(vec![Event::Text(rest(1))]),
            "press" => {
                self.controls.look(ctx);
                self.waits = Waits::Control { name: rest(1), frames: 60 };
            }
            "class" => window.desk.choose_class_named(&rest(1)),
            "select" => window.desk.select(Some(number(1)? as u64), false),
            "mode" => {
                let mut options = window.desk.options.clone();
                options.refine.mode = rest(1).parse::<Mode>().map_err(|error| error.to_string())?;
                window.desk.set_options(options);
            }
            "theme" => {
                window.desk.settings.theme = match rest(1).as_str() {
                    "light" => Theme::Light,
                    "dark" => Theme::Dark,
                    _ => Theme::System,
                };
            }
            "scale" => window.desk.settings.scale = (number(1)? as u32).clamp(75, 300),
            "size" => {
                let size = vec2(number(1)? as f32, number(2)? as f32) / ctx.zoom_factor();
                ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
                self.waits = Waits::Frames(10);
            }
            "open" => window.desk.open_paths(&[PathBuf::from(rest(1))]),
            "photo" => window.desk.open_photo(&PhotoPath::new(rest(1))),
            "flowers" => window.open_flowers(),
            "random" => self.random = Some(Random::new(number(1)? as usize, number(2)? as u64)),
            "idle" => self.waits = Waits::until(Until::Idle),
            "until" => self.waits = Waits::until(rest(1).parse()?),
            "frames" => self.waits = Waits::Frames(number(1)? as usize),
            "wait" => {
                let time = Duration::from_millis(number(1)? as u64);
                self.waits = Waits::Time(Instant::now() + time);
            }
            "watch" => self.log.watch(),
            "watched" => self.log.watched(&rest(1)),
            "mark" => self.log.keep(json!({"mark": rest(1)})),
            "states" => self.log.states(),
            "picture" => {
                let taken = self.taken.clone();
                ctx.request_screenshot(move |picture| {
                    *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture);
                });
                self.waits = Waits::Picture(rest(1));
            }
            "expect" => expect::check(window, words.get(1..).unwrap_or_default())?,
            "kill" => std::process::abort(),
            "quit" => self.commands.clear(),
            other => return Err(format!("“{other}” is no command")),
        }
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
