use std::fmt::Write;

use fbrs_data::text::printable;

use super::{Report, duration, percent};

/// Mean IoU is shown after so many clicks.
const IOU_AFTER: [usize; 6] = [1, 2, 3, 5, 10, 20];

/// The report as text: NoC and time of each data set, with the published numbers beneath where
/// there are some; mean IoU after clicks; problems.
pub fn table(report: &Report) -> String {
    let (network, settings) = (&report.network, &report.settings);
    let mut text = format!(
        "{}, {} ({}) on {}, threshold {}, target IoU {}, at most {} clicks\n\n",
        printable(&settings.mode),
        printable(&network.weights),
        printable(&network.architecture),
        printable(&network.device),
        settings.threshold,
        settings.target_iou,
        settings.max_clicks,
    );
    text += &aligned(&noc_rows(report));
    text.push('\n');
    text += &aligned(&iou_rows(report));
    for problem in &report.problems {
        let data = printable(&problem.data);
        // Writing to a String cannot fail.
        let _ = write!(text, "\nproblem: {data}, {}: {}", problem.key, problem.problem);
    }
    if report.missing > 0 {
        let _ = write!(text, "\nincomplete: {} objects are not evaluated yet", report.missing);
    }
    if !report.is_complete() {
        text.push('\n');
    }
    text
}

fn noc_rows(report: &Report) -> Vec<Vec<String>> {
    let max = report.settings.max_clicks;
    let thresholds: Vec<f64> =
        report.data.first().iter().flat_map(|data| &data.noc).map(|noc| noc.threshold).collect();
    let names =
        |prefix: String| thresholds.iter().map(move |at| format!("{prefix}@{}", percent(*at)));
    let mut rows = vec![vec!["data set".to_owned(), "objects".to_owned()]];
    let heads = names("NoC".to_owned()).chain(names(format!("≥{max}")));
    let heads = heads.chain(["s/click".to_owned(), "time".to_owned()]);
    rows.iter_mut().for_each(|row| row.extend(heads.clone()));
    for data in &report.data {
        let mut row = vec![printable(&data.name), data.objects.to_string()];
        row.extend(data.noc.iter().map(|noc| format!("{:.2}", noc.mean)));
        row.extend(data.noc.iter().map(|noc| noc.at_maximum.to_string()));
        row.extend([format!("{:.3}", data.seconds_per_click), duration(data.seconds)]);
        rows.push(row);
        if let Some(published) = data.published {
            let mut row = vec!["  published".to_owned(), String::new()];
            row.extend(thresholds.iter().map(|at| published.at(*at)).map(|noc| match noc {
                Some(noc) => format!("{noc:.2}"),
                None => String::new(),
            }));
            rows.push(row);
        }
    }
    rows
}

fn iou_rows(report: &Report) -> Vec<Vec<String>> {
    let after = IOU_AFTER.into_iter().filter(|clicks| *clicks <= report.settings.max_clicks);
    let mut rows = vec![vec!["mean IoU after".to_owned()]];
    rows.iter_mut().for_each(|row| {
        row.extend(after.clone().map(|clicks| match clicks {
            1 => "1 click".to_owned(),
            clicks => clicks.to_string(),
        }));
    });
    for data in &report.data {
        let mut row = vec![printable(&data.name)];
        let mean =
            |clicks: usize| data.mean_iou.get(clicks.saturating_sub(1)).copied().unwrap_or(0.0);
        row.extend(after.clone().map(|clicks| format!("{:.4}", mean(clicks))));
        rows.push(row);
    }
    rows
}

/// Rows as lines: the first column to the left, the others to the right.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}
