//! Plots as SVG. Ink and grid have colors that the page's style replaces in dark mode.

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    ChartBuilder, Circle, DrawingArea, IntoDrawingArea, IntoFont, IntoTextStyle, PathElement,
    RGBColor, Rectangle, SVGBackend, Text,
};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{DataReport, percent};
use crate::error::{Error, Result};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 320;
const INK: RGBColor = RGBColor(0x11, 0x22, 0x33);
const GRID: RGBColor = RGBColor(0xDD, 0xE1, 0xE6);

/// Colors of data sets and parts, in order; readable on light and on dark ground.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0x2F, 0x6F, 0xDE),
    RGBColor(0xE0, 0x79, 0x2B),
    RGBColor(0x2E, 0x9E, 0x6B),
    RGBColor(0xB1, 0x4F, 0xC5),
    RGBColor(0xC9, 0x45, 0x45),
    RGBColor(0x6B, 0x7A, 0x90),
    RGBColor(0x8A, 0x6D, 0x3B),
];

pub(super) fn color(index: usize) -> RGBColor {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or(INK)
}

/// A color as CSS has it.
pub(super) fn css(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// What all plots have in common: axes, their names, a grid.
struct Frame<'a> {
    x_name: &'a str,
    y_name: &'a str,
    columns: usize,
    top: f64,
    y_labels: usize,
    y_label: &'a dyn Fn(f64) -> String,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'svg> =
    ChartContext<'a, SVGBackend<'svg>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl Frame<'_> {
    /// Draws the frame, then whatever `draw` puts into it; x is the number of clicks.
    fn plot(&self, draw: impl FnOnce(&mut Chart<'_, '_>) -> Result<()>) -> Result<String> {
        let mut svg = String::new();
        {
            let area: Area<'_> =
                SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
            let text =
                |size: f64| ("sans-serif", size).into_font().into_text_style(&area).color(&INK);
            let x = 0.4..self.columns as f64 + 0.6;
            let mut chart = ChartBuilder::on(&area)
                .margin(6)
                .margin_right(12)
                .x_label_area_size(50)
                .y_label_area_size(66)
                .build_cartesian_2d(x, 0.0..self.top)
                .map_err(plot_error)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(GRID.mix(0.0))
                .bold_line_style(GRID)
                .axis_style(INK.mix(0.6))
                .x_labels(self.columns.min(20))
                .y_labels(self.y_labels)
                .x_label_formatter(&|x| format!("{x:.0}"))
                .y_label_formatter(&|y| (self.y_label)(*y))
                .x_desc(self.x_name)
                .y_desc(self.y_name)
                .label_style(text(16.0))
                .axis_desc_style(text(17.0))
                .draw()
                .map_err(plot_error)?;
            draw(&mut chart)?;
            area.present().map_err(plot_error)?;
        }
        Ok(svg)
    }
}

fn plot_error(error: impl std::fmt::Display) -> Error {
    Error::Plot(error.to_string())
}

/// Mean IoU after each click, a line for each data set.
pub(super) fn mean_iou(data: &[DataReport], max_clicks: usize) -> Result<String> {
    let frame = Frame {
        x_name: "clicks",
        y_name: "mean IoU",
        columns: max_clicks,
        top: 1.0,
        y_labels: 6,
        y_label: &|y| format!("{y:.1}"),
    };
    frame.plot(|chart| {
        for (index, data) in data.iter().enumerate() {
            let points = data.mean_iou.iter().enumerate();
            let points: Vec<_> = points.map(|(at, iou)| ((at + 1) as f64, *iou)).collect();
            let color = color(index);
            let line = PathElement::new(points.clone(), color.stroke_width(3));
            chart.draw_series([line]).map_err(plot_error)?;
            let dots = points.into_iter().map(|at| Circle::new(at, 4, color.filled()));
            chart.draw_series(dots).map_err(plot_error)?;
        }
        Ok(())
    })
}

/// How many objects need how many clicks.
pub(super) fn histogram(data: &DataReport, index: usize) -> Result<String> {
    let threshold = data.noc.iter().map(|noc| noc.threshold).fold(0.0, f64::max);
    let most = data.histogram.iter().copied().max().unwrap_or(0).max(1);
    let name = format!("clicks for {} % IoU", percent(threshold));
    let frame = Frame {
        x_name: &name,
        y_name: "objects",
        columns: data.histogram.len(),
        top: most as f64 * 1.15,
        y_labels: (most + 1).min(6),
        y_label: &|y| if y.fract() == 0.0 { format!("{y:.0}") } else { String::new() },
    };
    frame.plot(|chart| {
        let counts = || data.histogram.iter().enumerate().filter(|(_, count)| **count > 0);
        let bars = counts().map(|(at, count)| bar((at + 1) as f64, 0.0, *count as f64, index));
        chart.draw_series(bars).map_err(plot_error)?;
        let style =
            ("sans-serif", 16.0).into_font().color(&INK).pos(Pos::new(HPos::Center, VPos::Bottom));
        let labels = counts().map(|(at, count)| {
            Text::new(
                count.to_string(),
                ((at + 1) as f64, *count as f64 + most as f64 * 0.015),
                style.clone(),
            )
        });
        chart.draw_series(labels).map_err(plot_error)?;
        Ok(())
    })
}

/// Mean seconds of each click, its parts one on the other.
pub(super) fn time(data: &DataReport) -> Result<String> {
    let most = data.click_seconds.iter().map(|click| click.total).fold(0.0, f64::max).max(1e-6);
    let frame = Frame {
        x_name: "click",
        y_name: "seconds",
        columns: data.click_seconds.len().max(1),
        top: most * 1.05,
        y_labels: 6,
        y_label: &|y| format!("{y:.2}"),
    };
    frame.plot(|chart| {
        for (at, click) in data.click_seconds.iter().enumerate() {
            let mut from = 0.0;
            let parts = click.parts().into_iter().enumerate();
            let bars = parts.map(|(part, (_, seconds))| {
                let start = from;
                from += seconds;
                bar((at + 1) as f64, start, from, part)
            });
            chart.draw_series(bars.collect::<Vec<_>>()).map_err(plot_error)?;
        }
        Ok(())
    })
}

fn bar(x: f64, from: f64, to: f64, index: usize) -> Rectangle<(f64, f64)> {
    Rectangle::new([(x - 0.36, from), (x + 0.36, to)], color(index).filled())
}
