//! The conformance cases of locks, over a right store whose answers take a while, and over wrong ones.
#![cfg(feature = "conformance")]

mod faulty;

use std::panic;
use std::thread;
use std::time::Duration;

use cache_core::conformance::{Capability, Suite, Verdict};
use cache_lock::conformance::cases;
use faulty::{Answer, Call, Faulty};

fn suite(faults: &'static [(Call, Answer)]) -> Suite {
    let make = move || async move {
        let store = Faulty::default();
        for (call, answer) in faults {
            store.set(*call, *answer);
        }
        store
    };
    Suite::new(make).in_virtual_time()
}

#[test]
fn a_right_store_whose_answers_take_a_while_passes_every_case() {
    let slow = suite(&[
        (Call::Acquire, Answer::Turns(2)),
        (Call::Renew, Answer::Turns(5)),
        (Call::Release, Answer::Turns(1)),
        (Call::Freed, Answer::Turns(3)),
    ]);
    for case in cases() {
        let verdict = slow.run(&case);
        // The store beneath has what it has.
        let passed = matches!(verdict, Verdict::Passed | Verdict::Ignored(Capability::Tags));
        assert!(passed, "{}: {verdict:?}", case.name());
    }
}

/// It may always resolve too early.
#[test]
fn a_right_store_that_says_free_all_the_time_passes_every_case() {
    let early = suite(&[(Call::Freed, Answer::Denies)]);
    for case in cases() {
        let verdict = early.run(&case);
        let passed = matches!(verdict, Verdict::Passed | Verdict::Ignored(Capability::Tags));
        assert!(passed, "{}: {verdict:?}", case.name());
    }
}

/// What a store does wrong, and a case that shows it.
const CAUGHT_BY: [(Call, Answer, &str); 8] = [
    (Call::Renew, Answer::Fails, "a_renewed_lock_outlasts_its_lease"),
    (Call::Renew, Answer::Denies, "work_outlasts_the_lease"),
    (Call::Renew, Answer::Denies, "an_extension_counts_from_now"),
    (Call::Release, Answer::Hangs, "a_dropped_guard_frees_the_lock"),
    (Call::Release, Answer::Denies, "a_panic_of_the_work_frees_the_lock"),
    (Call::Release, Answer::ToldAfter(Duration::from_secs(1)), "who_waits_gets_in_at_a_release"),
    (Call::Freed, Answer::Hangs, "who_waits_gets_in_at_a_release"),
    (Call::Acquire, Answer::Denies, "one_guard_at_a_time"),
];

#[test]
fn every_wrong_store_is_caught() {
    // What other tests have to say is heard meanwhile.
    let (hook, here) = (panic::take_hook(), thread::current().id());
    panic::set_hook(Box::new(move |panic| {
        if thread::current().id() != here {
            hook(panic);
        }
    }));
    let uncaught: Vec<_> = CAUGHT_BY
        .iter()
        .filter(|(call, answer, name)| {
            let (call, answer) = (*call, *answer);
            let wrong = Suite::new(move || async move {
                let store = Faulty::default();
                store.set(call, answer);
                store
            });
            let case = cases().into_iter().find(|case| case.name() == *name);
            let verdict = wrong.in_virtual_time().run(&case.expect("there is such a case"));
            !matches!(verdict, Verdict::Failed(_))
        })
        .collect();
    let _ = panic::take_hook();
    assert!(uncaught.is_empty(), "not caught: {uncaught:?}");
}

/// Which case fails must be plain from its name.
#[test]
fn names_of_cases_are_unique() {
    let mut names: Vec<_> =
        Suite::cases().into_iter().chain(cases()).map(|case| case.name()).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
