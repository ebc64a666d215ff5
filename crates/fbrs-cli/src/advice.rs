//! What to do about an error, in the words of this program: the library does not know them.

use fbrs::weights::WeightsError;

/// What the user can do about an error of weights, where the error does not say it.
pub(crate) fn advice(error: &WeightsError) -> Option<String> {
    match error {
        WeightsError::NotFetched { name, .. } => {
            Some(format!("run `fbrs weights fetch {name}` to fetch it"))
        }
        WeightsError::UnknownName { .. } => Some("`fbrs weights list` shows all names".to_owned()),
        WeightsError::Mismatch(mismatch) if mismatch.is_only_extra() => {
            Some("`--ignore-extra` leaves the extra tensors out".to_owned())
        }
        WeightsError::Download { name, put, .. } => Some(format!(
            "run the same command again to go on where it stopped; `--weights {name}` finds a \
             file at {put}"
        )),
        WeightsError::Cancelled { .. } => {
            Some("run the same command again to go on where it stopped".to_owned())
        }
        _ => None,
    }
}

/// An error as the program tells it: its sentence, and the advice behind it.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let of_library = error.downcast_ref::<fbrs::Error>().and_then(|error| match error {
        fbrs::Error::Weights(error) => Some(error),
        _ => None,
    });
    match error.downcast_ref::<WeightsError>().or(of_library).and_then(advice) {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_says_how_to_go_on() {
        let error = || WeightsError::NotFetched {
            name: "resnet50_dh128_sbd".to_owned(),
            url: "https://example.org/x.pth".to_owned(),
            searched: Vec::new(),
        };
        for error in [anyhow::Error::new(error()), anyhow::Error::new(fbrs::Error::from(error()))] {
            let said = sentence(&error);
            assert!(said.contains("; run `fbrs weights fetch resnet50_dh128_sbd`"), "{said}");
        }
        let (name, url, reason) = ("test".to_owned(), "url".to_owned(), "why".to_owned());
        let download = WeightsError::Download { name, url, reason, put: "cache/test.pth".into() };
        let said = advice(&download).unwrap_or_default();
        for words in ["same command again", "cache/test.pth", "--weights test"] {
            assert!(said.contains(words), "{said}");
        }
        let cancelled = WeightsError::Cancelled { name: "test".to_owned() };
        assert!(advice(&cancelled).is_some_and(|said| said.contains("same command again")));
        assert_eq!(advice(&WeightsError::NoBuiltIn), None);
        assert_eq!(sentence(&anyhow::anyhow!("plain")), "plain");
    }
}
