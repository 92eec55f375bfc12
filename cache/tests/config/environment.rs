//! What `CACHE_URL` says.

use super::*;

/// The other half of the test below, in a process of its own: what cargo runs this test with is not set.
#[tokio::test]
async fn child_reads_its_environment() {
    let Ok(expected) = env::var("CACHE_TEST_EXPECTS") else { return };
    let told = match cache::from_env().await {
        Ok(cache) => {
            cache.put("k", "v", Ttl::DEFAULT).await.expect("it is open");
            let left = cache.ttl("k").await.expect("it is open").expect("it is stored");
            if left.is_forever() { "forever".to_owned() } else { "an hour".to_owned() }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Config);
            error.to_string()
        }
    };
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn the_environment_says_which_cache() {
    for (url, expected) in [
        (None, "an hour"),
        (Some("memory:?default_ttl=forever"), "forever"),
        (Some(""), "`CACHE_URL` cannot be used: it is empty. Set it to a URL"),
        (Some("nonsense://x"), "`CACHE_URL` cannot be used: `nonsense`"),
    ] {
        let mut child = Command::new(env::current_exe().expect("the path of this test"));
        child.args(["--exact", "environment::child_reads_its_environment", "--nocapture"]);
        child.env_remove("CACHE_URL").env("CACHE_TEST_EXPECTS", expected);
        if let Some(url) = url {
            child.env("CACHE_URL", url);
        }
        let output = child.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{url:?}: {said}");
    }
}
