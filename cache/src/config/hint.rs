//! What somebody meant by a setting that there is not.

use super::Flaw;
use super::given::{COMMON, DRIVERS, Driver, MEMORY, REDIS};
use super::shown::Name;

/// Where it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Beside `driver`.
    Top,
    /// In `config`.
    Config,
    /// As an option of a URL.
    Option,
}

/// What other caches call our settings, in the form of [`plain`].
const SYNONYMS: &[(&str, &[&str])] = &[
    ("max", &["max_entries", "max_bytes"]),
    ("maxsize", &["max_entries", "max_bytes"]),
    ("maxcapacity", &["max_entries", "max_bytes"]),
    ("capacity", &["max_entries", "max_bytes"]),
    ("size", &["max_entries", "max_bytes"]),
    ("limit", &["max_entries", "max_bytes"]),
    ("maxitems", &["max_entries"]),
    ("maxkeys", &["max_entries"]),
    ("maxmemory", &["max_bytes"]),
    ("ttl", &["default_ttl"]),
    ("expiration", &["default_ttl"]),
    ("keyprefix", &["prefix"]),
    ("namespace", &["prefix"]),
    ("maxvaluesize", &["max_value_bytes"]),
    ("uri", &["url"]),
    ("redisurl", &["url"]),
    ("connection", &["url"]),
    ("pool", &["connections"]),
    ("poolsize", &["connections"]),
    ("timeout", &["command_timeout", "connect_timeout"]),
    ("lazyconnect", &["lazy"]),
    ("cacert", &["ca"]),
];

/// What stands within a URL.
const OF_A_URL: &[&str] = &["host", "port", "username", "user", "password", "db", "database"];

/// Says that a setting is not known, and what to write instead.
pub(crate) fn unknown(key: &str, place: Place, driver: &Driver) -> Flaw {
    let subject = match place {
        Place::Top => format!("the key {}", Name(key)),
        Place::Config if Name(key).is_shown() => Name(&format!("config.{key}")).to_string(),
        Place::Config => format!("a key of `config` {}", Name(key)),
        Place::Option => format!("the option {}", Name(key)),
    };
    format!("{subject} is not known; {}", advice(key, place, driver))
}

fn advice(key: &str, place: Place, driver: &Driver) -> String {
    let meant = meant(key);
    // A URL is no option of itself.
    let taken = |key: &str| {
        COMMON.contains(&key)
            || driver.keys.contains(&key) && !(place == Place::Option && key == "url")
    };
    let written = |key: &&str| match place {
        Place::Option => format!("`{key}`"),
        _ if COMMON.contains(key) => format!("`{key}` beside `driver`"),
        _ => format!("`config.{key}`"),
    };
    let here: Vec<String> = meant.iter().filter(|key| taken(key)).map(written).collect();
    if !here.is_empty() {
        let misplaced = place == Place::Top && driver.keys.contains(&key);
        let why = if misplaced { "it belongs into `config`: " } else { "" };
        return format!("{why}write {}", here.join(" or "));
    }
    if let [key, ..] = meant[..] {
        if place == Place::Option && key == "url" {
            return "a URL has no option `url`: it is one itself".to_owned();
        }
        if let Some(other) = DRIVERS.iter().find(|other| other.keys.contains(&key)) {
            return of_another(key, other, driver);
        }
    }
    let has_url = driver.keys.contains(&"url");
    if has_url && OF_A_URL.contains(&plain(key).as_str()) {
        return "it is part of the URL: `redis://user:password@host:port/database`".to_owned();
    }
    let list = |keys: &[&str]| format!("`{}`", keys.join("`, `"));
    match place {
        Place::Top => format!("there are `driver`, `config`, {}", list(COMMON)),
        Place::Config => format!("the driver `{}` has {}", driver.name, list(driver.keys)),
        Place::Option => {
            let own: Vec<&str> = driver.keys.iter().copied().filter(|key| *key != "url").collect();
            let servers = if has_url {
                ", `node` (cluster and sentinel), `service`, `sentinel_user`, `sentinel_password` (sentinel)"
            } else {
                ""
            };
            format!("there are {}, {}{servers}", list(COMMON), list(&own))
        }
    }
}

/// What to do about a setting that another driver has.
fn of_another(key: &str, other: &Driver, driver: &Driver) -> String {
    let limit = if other.name == MEMORY.name && driver.name == REDIS.name {
        " (a server has its own limit, `maxmemory`)"
    } else {
        ""
    };
    format!(
        "the driver `{0}` has `{key}`, and this is `{1}`: remove it{limit}, or choose the driver `{0}`",
        other.name, driver.name
    )
}

/// The settings that somebody may have meant, of whatever driver.
fn meant(key: &str) -> Vec<&'static str> {
    const LONGEST: usize = 40;
    if key.len() > LONGEST {
        return vec![];
    }
    let plain_key = plain(key);
    let mut all = DRIVERS.iter().flat_map(|driver| driver.keys).chain(COMMON).copied();
    if let Some(same) = all.clone().find(|known| plain(known) == plain_key) {
        return vec![same];
    }
    if let Some((_, meant)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == plain_key) {
        return meant.to_vec();
    }
    // In a short word two letters are too much of it.
    all.find(|known| distance(&plain(known), &plain_key) <= plain_key.len() / 4)
        .into_iter()
        .collect()
}

/// Letters and digits alone, in lower case: `maxEntries`, `max-entries` and `MAX_ENTRIES` are one.
fn plain(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How many letters have to be put in, left out or changed to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, &opposite) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != opposite);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_told_what_was_meant() {
        for (key, expected) in [
            ("maxEntries", &["max_entries"][..]),
            ("MAX-BYTES", &["max_bytes"]),
            ("max_entrees", &["max_entries"]),
            ("conections", &["connections"]),
            ("maxSize", &["max_entries", "max_bytes"]),
            ("defaultTTL", &["default_ttl"]),
            ("defualt_ttl", &["default_ttl"]),
            ("url", &["url"]),
            ("cat", &[]),
            ("nonsense", &[]),
            ("", &[]),
        ] {
            assert_eq!(meant(key), expected, "{key}");
        }
    }

    #[test]
    fn distances_count_letters() {
        for (one, other, letters) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("é", "e", 1)]
        {
            assert_eq!(distance(one, other), letters, "{one} {other}");
        }
    }
}
