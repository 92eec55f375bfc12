//! The conformance suite under test: a right store passes it, and every wrong one is caught.
#![cfg(feature = "conformance")]

mod model;

use cache_core::conformance::{Case, Suite, Verdict};
use model::{Flaw, Model};

fn suite(flaw: Flaw) -> Suite {
    Suite::new(move || async move { Model::new(flaw) }).in_virtual_time()
}

fn case(name: &str) -> Case {
    let case = Suite::cases().into_iter().find(|case| case.name() == name);
    case.unwrap_or_else(|| panic!("there is no case `{name}`"))
}

#[test]
fn a_right_store_passes_every_case() {
    for case in Suite::cases() {
        assert_eq!(suite(Flaw::None).run(&case), Verdict::Passed, "{}", case.name());
    }
}

/// Each flaw, and the case that is there to catch it.
const CAUGHT_BY: [(Flaw, &str); 34] = [
    (Flaw::IgnoresLifetimes, "an_entry_is_gone_at_its_deadline"),
    (Flaw::ExpiresLate, "an_entry_is_gone_at_its_deadline"),
    (Flaw::RemovesPlainly, "a_read_of_what_has_expired_takes_nothing_fresh_away"),
    (Flaw::RoundsWhatIsLeftDown, "what_is_left_is_rounded_up"),
    (Flaw::PutKeepsTheLifetime, "a_put_replaces_the_lifetime"),
    (Flaw::TouchRevives, "a_touch_revives_nothing"),
    (Flaw::TouchOfZeroKeeps, "a_lifetime_of_zero_removes"),
    (Flaw::AddOverwrites, "an_add_stores_only_where_there_is_nothing"),
    (Flaw::AddLooksFirst, "of_many_adds_at_once_one_stores"),
    (Flaw::PullLooksFirst, "of_many_pulls_at_once_one_gets_it"),
    (Flaw::ForgetIsAlwaysTrue, "every_add_can_be_forgotten"),
    (Flaw::CountsInTwoSteps, "no_count_is_lost"),
    (Flaw::CountingProlongs, "counting_leaves_the_lifetime_alone"),
    (Flaw::CountersLiveForEver, "a_counter_is_created_with_the_default_lifetime"),
    (Flaw::CountsOnWhereExpired, "an_expired_counter_starts_anew"),
    (Flaw::CountsWrap, "a_count_past_the_limit_is_refused"),
    (Flaw::CountsAnything, "what_is_no_integer_is_not_counted"),
    (Flaw::LosesTheOrder, "answers_come_in_the_order_asked"),
    (Flaw::AnswersADuplicateOnce, "answers_come_in_the_order_asked"),
    (Flaw::ForgetsDuplicatesTwice, "forgotten_keys_count_once"),
    (Flaw::FirstOfTwoStays, "of_two_with_one_key_the_later_stays"),
    (Flaw::TrimsKeys, "odd_keys_are_keys"),
    (Flaw::CutsKeys, "keys_of_any_length_are_kept_apart"),
    (Flaw::FlushLeavesTheEternal, "a_flush_removes_every_value"),
    (Flaw::KeepsOverAnything, "a_kept_object_is_left_out_where_the_value_has_changed"),
    (Flaw::ForgetsTags, "a_flush_of_one_tag_takes_its_entries_away"),
    (Flaw::FlushKeepsVersions, "a_flush_of_one_tag_takes_its_entries_away"),
    (Flaw::FlushOfValuesRenewsVersions, "a_flush_of_values_leaves_versions_alone"),
    (Flaw::ForgetsWhatWasReadBefore, "what_was_read_before_a_flush_is_not_served_after_it"),
    (Flaw::AnybodyReleases, "only_the_owner_renews_and_releases"),
    (Flaw::AnybodyRenews, "only_the_owner_renews_and_releases"),
    (Flaw::LeasesDoNotEnd, "a_lease_ends_at_its_deadline"),
    (Flaw::FencesRepeat, "one_holder_at_a_time"),
    (Flaw::FlushFreesLocks, "a_flush_of_values_leaves_locks_alone"),
];

#[test]
fn every_wrong_store_is_caught_by_the_case_for_it() {
    // A failing case panics, which is what it is for; the messages would only be noise.
    std::panic::set_hook(Box::new(|_| {}));
    let uncaught: Vec<_> = CAUGHT_BY
        .iter()
        .filter(|(flaw, name)| !matches!(suite(*flaw).run(&case(name)), Verdict::Failed(_)))
        .collect();
    let _ = std::panic::take_hook();
    assert!(uncaught.is_empty(), "not caught: {uncaught:?}");
}
