//! Operations a second, of everyone, by the number of tasks.

use crate::peers::memory::crew::{Crew, Shift};
use crate::record::{Group, Records};
use crate::spread::Spread;
use crate::table::Table;

const TASKS: [usize; 3] = [1, 2, 4];

pub(crate) struct Rates {
    contenders: Vec<Contender>,
}

struct Contender {
    name: &'static str,
    /// Round by round, for each number of tasks; nothing where it stalled.
    rates: [Vec<Option<f64>>; TASKS.len()],
}

impl Rates {
    /// Goes through every number of tasks in every round, so that what disturbs the machine disturbs them all.
    /// The first round is dropped.
    pub(crate) fn measure(crew: &Crew<'_>) -> Self {
        let contenders = crew.names().map(|name| Contender { name, rates: <_>::default() });
        let mut contenders: Vec<_> = contenders.collect();
        for round in 0..=crew.rounds() {
            for (case, tasks) in TASKS.into_iter().enumerate() {
                let shifts = crew.round(round, tasks);
                if round > 0 {
                    for (contender, shift) in contenders.iter_mut().zip(shifts) {
                        contender.rates[case].push(per_second(tasks * crew.operations(), &shift));
                    }
                }
            }
        }
        Self { contenders }
    }

    pub(crate) fn report(&self, mut group: Group, records: &mut Records) {
        let rounds = self
            .contenders
            .iter()
            .map(|contender| (contender.name, contender.rates.iter().flatten()));
        group.note.push_str(&stalls(rounds));
        println!("\n{}: millions a second (p10–p90)", group.title);
        let mut table = Table::new(["", "1 task", "2 tasks", "4 tasks"]);
        let id = group.id.clone();
        records.group(group);
        for contender in &self.contenders {
            let spreads = contender.spreads();
            let cells = spreads.iter().map(|spread| match spread {
                Some(spread) => format!("{:.2}", millions(*spread)),
                None => "stalled".to_owned(),
            });
            table.row(std::iter::once(contender.name.to_owned()).chain(cells));
        }
        table.print();
        for (case, tasks) in TASKS.into_iter().enumerate() {
            let case_name = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
            for contender in &self.contenders {
                let rounds = contender.rates[case].iter().copied();
                records.add(&id, &case_name, contender.name, rounds);
            }
        }
    }
}

impl Contender {
    fn spreads(&self) -> [Option<Spread>; TASKS.len()] {
        self.rates.each_ref().map(|rates| spread(rates))
    }
}

#[allow(clippy::cast_precision_loss, reason = "no round has 2^53 operations")]
fn per_second(operations: usize, shift: &Shift) -> Option<f64> {
    (!shift.stalled).then(|| operations as f64 / shift.took.as_secs_f64())
}

/// Of the rounds that did not stall, if there are any.
pub(crate) fn spread(rounds: &[Option<f64>]) -> Option<Spread> {
    let mut rounds = rounds.iter().flatten().copied().peekable();
    rounds.peek()?;
    Some(Spread::of(rounds))
}

fn millions(Spread { low, median, high }: Spread) -> Spread {
    Spread { low: low / 1e6, median: median / 1e6, high: high / 1e6 }
}

/// A sentence for the note, of those who stalled in some of these rounds: their tasks waited until somebody else called.
pub(crate) fn stalls<'a, R>(contenders: impl Iterator<Item = (&'static str, R)>) -> String
where
    R: IntoIterator<Item = &'a Option<f64>>,
{
    let stalled = contenders.filter_map(|(name, rounds)| {
        let stalls = rounds.into_iter().filter(|round| round.is_none()).count();
        (stalls > 0).then(|| format!("{name} {stalls} times"))
    });
    let stalled: Vec<_> = stalled.collect();
    if stalled.is_empty() {
        return String::new();
    }
    let stalled = stalled.join(", ");
    println!("\nstalled for seconds, until somebody else read: {stalled}");
    format!(" Rounds that are left out, since tasks waited until somebody else read: {stalled}.")
}
