//! What the quickstart example promises to those who run it, on a folder of this test's making.
#![cfg(feature = "memory")]

use std::env;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("cache-quickstart-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("the folder for temporary files takes another");
        Self(path)
    }

    fn with(self, file: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().expect("within the folder")).expect("a folder");
        fs::write(path, content).expect("a file");
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The example, which cargo builds before it runs integration tests, unless only this test was asked
/// for.
fn quickstart() -> Command {
    let test = env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let example = profile.join("examples").join(format!("quickstart{EXE_SUFFIX}"));
    assert!(
        example.is_file(),
        "{} is missing: run `cargo build -p cache --example quickstart` first",
        example.display()
    );
    let mut command = Command::new(example);
    command.env_remove("CACHE_URL");
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the example starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the example prints UTF-8")
}

/// The example failed, with nothing but a message that says all of `parts`.
fn refuses(output: &Output, code: i32, parts: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(message.lines().count(), 1, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing: {message}");
    }
}

#[test]
fn it_shows_what_a_cache_is_for() {
    let folder = Folder::new("tour")
        .with("fruit.md", "apple pears apple\npears apple\n")
        .with("deep/more.rs", "// grape melon apple\n")
        .with("latin1.txt", b"caf\xe9")
        .with("photo.jpeg", "apple apple apple apple")
        .with("target/built.rs", "apple apple apple apple");
    let output = run(quickstart().arg(&folder.0));
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");

    // Two files count, and one of the others would if it were text.
    assert!(shown.contains("files: 2, lines: 3"), "{shown}");
    assert!(shown.contains("read as text: 1"), "{shown}");

    let rows = |word: &str| -> Vec<Vec<&str>> {
        let fields = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.filter(|fields| fields.first() == Some(&word)).collect()
    };
    let outcomes = |word: &str| -> Vec<&str> { rows(word).iter().map(|row| row[1]).collect() };
    // The most frequent word is asked for twice, and twice more around a `forget`.
    assert_eq!(outcomes("apple"), ["miss", "hit", "hit", "forgotten:", "miss"], "{shown}");
    assert!(shown.contains("mentions: 4, files: 2, first: deep"), "{shown}");
    for word in ["pears", "grape"] {
        assert_eq!(outcomes(word), ["miss", "hit"], "{shown}");
    }
    // The fourth meets the herd, and then expires.
    let herd = rows("melon");
    assert!(herd[0].ends_with(&["asked:", "50,", "scans:", "1"]), "{shown}");
    assert_eq!(outcomes("melon"), ["herd", "miss", "hit", "miss"], "{shown}");
    let absent: Vec<_> = shown.lines().filter(|line| line.contains("nowhere")).collect();
    assert!(absent[0].contains("miss") && absent[1].contains("hit"), "{shown}");

    assert!(shown.contains("put of \"answer\": \"10 months\" is not a TTL: \"months\" is not"));
    assert!(shown.contains("get of \"mentions:apple\": "), "{shown}");
    assert_eq!(rows("questions")[0][1], "63", "{shown}");
    assert_eq!(rows("scans")[0][1], "8", "{shown}");
}

#[test]
fn a_folder_that_cannot_be_asked_about_is_refused() {
    let empty = Folder::new("empty").with("photo.jpeg", "").with("latin1.txt", b"caf\xe9");
    let missing = empty.0.join("missing");
    refuses(&run(quickstart().arg(&missing)), 1, &["error: ", "missing", "cannot be read"]);
    refuses(&run(quickstart().arg(&empty.0)), 1, &["error: ", "no source file", "skipped: 1"]);
    refuses(&run(quickstart().arg("--fast")), 2, &["usage: "]);
    refuses(&run(quickstart().args(["a", "b"])), 2, &["usage: "]);
}

#[test]
fn a_url_that_cannot_be_used_is_refused() {
    let folder = Folder::new("url").with("fruit.md", "apple\n");
    let with = |url: &str| run(quickstart().arg(&folder.0).env("CACHE_URL", url));
    refuses(&with("nonsense://x"), 1, &["error: CACHE_URL cannot be used: ", "`nonsense`"]);
    refuses(&with("memory:?default_ttl=5x"), 1, &["CACHE_URL", "\"5x\" is not a TTL"]);
    refuses(&with(""), 1, &["CACHE_URL", "begins with the name of a driver"]);

    let output = with("memory:?max_entries=1");
    assert!(output.status.success(), "{}", text(&output.stderr));
}
