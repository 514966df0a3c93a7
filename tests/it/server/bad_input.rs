//! What is wrong with the settings is said at the start; what is wrong with the network is not a reason not to start.

use crate::standin::client;
use crate::support::rig::{Rig, shop};
use waypost::github::Issuer;
use waypost::server::{StartError, start};

async fn refusal(change: impl FnOnce(&mut waypost::server::Settings)) -> StartError {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    change(&mut settings);
    start(settings).await.map(|running| running.address).unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_webhook_secret_it_does_not_start() {
    for none in [None, Some("".into()), Some(" , ".into())] {
        let error = refusal(|settings| settings.webhook_secret = none).await;
        assert!(matches!(error, StartError::NoWebhookSecret), "{error}");
        assert!(error.help().contains("WAYPOST_GITHUB_WEBHOOK_SECRET"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_key_that_is_none_is_named() {
    let error = refusal(|settings| {
        settings.private_key = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into();
        settings.private_key_origin = "the file `waypost.pem`".to_owned();
    })
    .await;
    assert_eq!(error.to_string(), "the private key in the file `waypost.pem` is not an RSA key in PEM");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_opened_and_an_address_that_is_taken_are_named() {
    let error = refusal(|settings| settings.database_url = "sqlite:///nowhere/at/all/waypost.db".to_owned()).await;
    assert!(error.to_string().contains("sqlite:///nowhere/at/all/waypost.db"), "{error}");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let error = refusal(|settings| settings.listen = address).await;
    assert!(error.to_string().starts_with(&format!("cannot listen on `{address}`")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_github_is_no_reason_not_to_take_deliveries_in() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    settings.github.url = format!("http://{free}");
    let running = rig.serve(settings).await;
    let get = async |path: &str| client::send("GET", &format!("http://{}{path}", running.address), &[], String::new()).await.unwrap();
    assert_eq!(get("/livez").await.status, 200);
    let ready = get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains(&format!("GitHub at http://{free} cannot be reached")), "{}", ready.text);
    rig.open(&shop("10.20.1.15"));
    rig.until("the delivery to be accepted", || rig.standin.deliveries().iter().all(|delivery| delivery.status == 202).then_some(())).await;
    running.shutdown().await;
    // Once GitHub is there, the work is done.
    let running = rig.serve(rig.settings()).await;
    rig.concluded(1).await;
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_app_is_said_where_one_looks() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    settings.issuer = Issuer::AppId(1);
    let running = rig.serve(settings).await;
    let ready = client::send("GET", &format!("http://{}/readyz", running.address), &[], String::new()).await.unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains("the private key is not this App's"), "{}", ready.text);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_escape_what_is_not_theirs_and_run_no_script() {
    let rig = Rig::new().await;
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&shop("10.20.1.15"));
    rig.standin.retitle(crate::support::rig::REPOSITORY, number, "<script>alert(1)</script>");
    rig.standin.comment_as_user(crate::support::rig::REPOSITORY, number, "kim", "/waypost review");
    rig.concluded(number).await;
    rig.quiet().await;
    let get = async |path: &str| client::send("GET", &format!("http://{}{path}", running.address), &[], String::new()).await.unwrap();
    for path in ["/", &format!("/reviews/acme/edge/{number}"), "/help"] {
        let page = get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text.contains("<script"), "{path}: {}", page.text);
        assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    }
    assert_eq!(get("/reviews/acme/edge/999").await.status, 404);
    assert!(get("/metrics").await.text.contains("\nwaypost_reviews_total "));
    running.shutdown().await;
}
