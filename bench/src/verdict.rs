//! The targets, what was measured, and what must hold whatever the machine.

use crate::table::Table;

/// Collected from all sections, printed at the end.
#[derive(Default)]
pub(crate) struct Findings {
    targets: Vec<[String; 4]>,
    defects: Vec<String>,
}

pub(crate) enum Verdict {
    Met,
    Missed,
    /// Missed, and so it was where the library had no part in it.
    MissedByControl,
}

impl Verdict {
    pub(crate) fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::MissedByControl => "missed, the control too",
        }
    }
}

impl Findings {
    /// A target that is timed: missed, it is shown, and no more.
    pub(crate) fn target(
        &mut self,
        what: &str,
        target: String,
        measured: String,
        verdict: Verdict,
    ) {
        self.targets.push([what.to_owned(), target, measured, verdict.word().to_owned()]);
    }

    /// Something that must hold on any machine.
    pub(crate) fn must(&mut self, holds: bool, defect: impl FnOnce() -> String) {
        if !holds {
            self.defects.push(defect());
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.defects.is_empty()
    }

    pub(crate) fn print(&self) {
        println!("\n== summary ==");
        let mut table = Table::new(["what", "target", "measured", "verdict"]);
        for target in &self.targets {
            table.row(target.clone());
        }
        table.print();
        for defect in &self.defects {
            println!("  DEFECT: {defect}");
        }
    }
}
