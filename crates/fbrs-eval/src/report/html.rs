use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use fbrs_data::files::{Destination, commit_all};
use fbrs_data::sets::OpenedData;
use fbrs_draw::colors;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::gallery::{Picture, pictures};
use super::{DataReport, Report, duration, percent, plots};
use crate::error::{Result, cannot_write};
use crate::journal::Results;
use crate::result::ClickSeconds;

const INDEX: &str = "index.html";
const STYLE: &str = include_str!("page.css");
/// Objects of each kind in a data set's gallery.
const PICTURES: usize = 6;

/// A report as files: `index.html`, a page that needs nothing else, and `report.json`, its numbers.
#[derive(Debug, Clone)]
pub struct Page {
    html: String,
    json: Vec<u8>,
}

/// Draws a report.
///
/// `data`: the data sets, for the gallery; without them there is none.
///
/// # Errors
/// [`crate::Error::Plot`], [`crate::Error::Picture`].
pub fn page(report: &Report, results: &Results, data: &[OpenedData]) -> Result<Page> {
    let html = markup(report, results, data)?.into_string();
    let json = serde_json::to_vec_pretty(report).unwrap_or_default();
    Ok(Page { html, json })
}

impl Page {
    /// Names of the files.
    pub const FILES: [&str; 2] = ["report.json", INDEX];

    /// Writes the files into a folder, both or none, and returns the page's path. The folder is
    /// created where it does not exist.
    ///
    /// # Errors
    /// [`crate::Error::Write`].
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let failed = cannot_write(folder);
        fs::create_dir_all(folder).map_err(&failed)?;
        let mut drafts = Vec::new();
        for (name, bytes) in
            Self::FILES.into_iter().zip([self.json.as_slice(), self.html.as_bytes()])
        {
            let path = folder.join(name);
            let draft = || {
                let mut draft = Destination::new(&path)?.draft()?;
                draft.write_all(bytes)?;
                Ok(draft)
            };
            drafts.push(draft().map_err(cannot_write(&path))?);
        }
        commit_all(drafts).map_err(failed)?;
        Ok(folder.join(INDEX))
    }
}

fn markup(report: &Report, results: &Results, data: &[OpenedData]) -> Result<Markup> {
    let settings = &report.settings;
    let names: Vec<&str> = report.data.iter().map(|data| data.name.as_str()).collect();
    let title = format!("{} on {}", settings.mode, names.join(", "));
    let objects: usize = report.data.iter().map(|data| data.objects).sum();
    let clicks: usize = report.data.iter().map(|data| data.clicks).sum();
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – fbrs eval" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p.lead {
                        "A simulated user clicked " (clicks) " times on " (objects)
                        " objects, each time where the mask was most wrong, until the IoU with the "
                        "ground truth reached " (settings.target_iou) " or "
                        (settings.max_clicks) " clicks were used up."
                    }
                    (facts(report))
                    div.card.scroll { (noc_table(report)) }
                    (problems(report))
                    h2 { "Clicks and quality" }
                    (quality(report)?)
                    h2 { "Time per click" }
                    (times(report)?)
                    (galleries(report, results, data)?)
                    footer {
                        "NoC@t: mean number of clicks until the IoU is at least t %; an object that "
                        "never gets there counts " (settings.max_clicks) ". ≥" (settings.max_clicks)
                        "@t: objects that count " (settings.max_clicks) ". Written by fbrs eval "
                        (env!("CARGO_PKG_VERSION")) "."
                    }
                }
            }
        }
    })
}

fn facts(report: &Report) -> Markup {
    let (network, settings) = (&report.network, &report.settings);
    let on = |on: bool| if on { "on" } else { "off" };
    let zoom = match (settings.zoom_in, settings.zoom_size) {
        (false, _) => "off".to_owned(),
        (true, None) => "published".to_owned(),
        (true, Some(size)) if settings.zoom_fixed => format!("fixed {size}×{size} px"),
        (true, Some(size)) => format!("{size} px"),
    };
    let facts = [
        ("weights", network.weights.clone()),
        ("network", network.architecture.clone()),
        ("device", network.device.clone()),
        ("mode", settings.mode.clone()),
        ("threshold", settings.threshold.to_string()),
        ("zoom-in", zoom),
        ("flip", on(settings.flip).to_owned()),
        ("discs", if settings.reference_discs { "as published" } else { "clipped" }.to_owned()),
    ];
    html! {
        ul.facts {
            @for (name, value) in facts {
                li { span { (name) } (value) }
            }
        }
    }
}

fn noc_table(report: &Report) -> Markup {
    let max = report.settings.max_clicks;
    let thresholds: Vec<f64> =
        report.data.first().iter().flat_map(|data| &data.noc).map(|noc| noc.threshold).collect();
    html! {
        table {
            thead {
                tr {
                    th { "data set" }
                    th { "objects" }
                    @for at in &thresholds { th { "NoC@" (percent(*at)) } }
                    @for at in &thresholds { th { "≥" (max) "@" (percent(*at)) } }
                    th { "s / click" }
                    th { "time" }
                }
            }
            tbody {
                @for data in &report.data {
                    tr {
                        td.name { (data.name) }
                        td { (data.objects) }
                        @for noc in &data.noc { td { (format!("{:.2}", noc.mean)) } }
                        @for noc in &data.noc { td { (noc.at_maximum) } }
                        td { (format!("{:.3}", data.seconds_per_click)) }
                        td { (duration(data.seconds)) }
                    }
                    @if let Some(published) = data.published {
                        tr.published {
                            td { "published" }
                            td {}
                            @for at in &thresholds {
                                td { @if let Some(noc) = published.at(*at) { (format!("{noc:.2}")) } }
                            }
                            @for _ in &thresholds { td {} }
                            td {}
                            td {}
                        }
                    }
                }
            }
        }
    }
}

fn problems(report: &Report) -> Markup {
    html! {
        @if !report.is_complete() {
            div.warn {
                @if report.missing > 0 {
                    div { b { (report.missing) " objects are not evaluated yet." } }
                }
                @if !report.problems.is_empty() {
                    b { (report.problems.len()) " objects could not be evaluated:" }
                    ul {
                        @for problem in &report.problems {
                            li { (problem.data) ", " (problem.key) ": " (problem.problem) }
                        }
                    }
                }
            }
        }
    }
}

fn quality(report: &Report) -> Result<Markup> {
    let ious = plots::mean_iou(&report.data, report.settings.max_clicks)?;
    let histogram = |(index, data): (usize, &DataReport)| {
        Ok((data.name.clone(), plots::histogram(data, index)?))
    };
    let histograms = report.data.iter().enumerate().map(histogram).collect::<Result<Vec<_>>>()?;
    let names = report.data.iter().map(|data| data.name.as_str());
    Ok(html! {
        div.plots {
            div.card {
                h3 { "Mean IoU by number of clicks" }
                (PreEscaped(ious))
                @if report.data.len() > 1 { (legend(names)) }
            }
            @for (name, svg) in histograms {
                div.card {
                    h3 { "Clicks needed: " (name) }
                    (PreEscaped(svg))
                }
            }
        }
    })
}

fn times(report: &Report) -> Result<Markup> {
    let plot = |data: &DataReport| Ok((data.name.clone(), plots::time(data)?));
    let plots = report.data.iter().map(plot).collect::<Result<Vec<_>>>()?;
    Ok(html! {
        div.plots {
            @for (name, svg) in plots {
                div.card {
                    h3 { "Seconds by click and part: " (name) }
                    (PreEscaped(svg))
                    (legend(ClickSeconds::default().parts().map(|(name, _)| name).into_iter()))
                }
            }
            @for data in &report.data {
                div.card.scroll {
                    h3 { "Mean seconds: " (data.name) }
                    (time_table(data))
                }
            }
        }
    })
}

/// The parts of the first click, which no refinement follows, and of the later ones.
fn time_table(data: &DataReport) -> Markup {
    let first = data.click_seconds.first().copied().unwrap_or_default();
    let last = data.click_seconds.last().copied().unwrap_or_default();
    let middle = data.click_seconds.get(data.click_seconds.len() / 2).copied().unwrap_or_default();
    let columns = [first, middle, last];
    let numbers = [1, data.click_seconds.len() / 2 + 1, data.click_seconds.len()];
    html! {
        table {
            thead { tr { th { "part" } @for number in numbers { th { "click " (number) } } } }
            tbody {
                @for (index, (name, _)) in first.parts().into_iter().enumerate() {
                    tr {
                        td { (name) }
                        @for column in &columns {
                            td { (format!("{:.4}", column.parts().get(index).map_or(0.0, |p| p.1))) }
                        }
                    }
                }
                tr {
                    td.name { "whole click" }
                    @for column in &columns { td.name { (format!("{:.4}", column.total)) } }
                }
            }
        }
    }
}

fn legend<'a>(names: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        ul.legend {
            @for (index, name) in names.enumerate() {
                li { i style={ "background:" (plots::css(plots::color(index))) } {} (name) }
            }
        }
    }
}

fn galleries(report: &Report, results: &Results, data: &[OpenedData]) -> Result<Markup> {
    let highest =
        report.data.iter().flat_map(|data| &data.noc).map(|noc| noc.threshold).fold(0.0, f64::max);
    let mut first_number = 0;
    let mut sections = Vec::new();
    for data in data {
        let [worst, median] = pictures(results, data, first_number, highest, PICTURES)?;
        first_number += data.objects.len();
        sections.push((format!("Worst objects: {}", data.name), worst));
        sections.push((format!("Median objects: {}", data.name), median));
    }
    sections.retain(|(_, pictures)| !pictures.is_empty());
    Ok(html! {
        @for (title, pictures) in &sections {
            h2 { (title) }
            ul.legend.key style="margin:-8px 0 12px" {
                li { i style=(background(colors::PREDICTED_EDGE)) {} "predicted" }
                li { i style=(background(colors::TRUE)) {} "ground truth" }
                li { i style=(background(colors::POSITIVE)) {} "click on the object" }
                li { i style=(background(colors::NEGATIVE)) {} "click on the background" }
            }
            div.gallery {
                @for picture in pictures { (figure(picture, highest)) }
            }
        }
    })
}

fn figure(picture: &Picture<'_>, threshold: f64) -> Markup {
    let iou = picture.result.iou.last().copied().unwrap_or(0.0);
    let reached = picture.result.iou.iter().any(|iou| *iou >= threshold);
    let key = picture.record.key.to_string();
    html! {
        figure {
            div.pair {
                @if let (Some(predicted), Some(truth)) = (&picture.predicted, &picture.truth) {
                    img src=(predicted) alt={ "Prediction and clicks: " (key) };
                    img src=(truth) alt={ "Ground truth: " (key) };
                } @else {
                    p { "The photo is not to be had." }
                    p {}
                }
            }
            figcaption {
                b { (key) }
                span {
                    @if reached { (picture.clicks) " clicks" } @else { "not in " (picture.clicks) " clicks" }
                    " · IoU " (format!("{iou:.3}"))
                }
            }
        }
    }
}

/// A color as a style sheet has it.
fn background([red, green, blue]: [u8; 3]) -> String {
    format!("background:#{red:02x}{green:02x}{blue:02x}")
}
