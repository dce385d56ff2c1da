//! What must not be on any disk (I1, I2, I4).

use std::path::Path;

use jiff::civil::date;

use crate::stored::look;
use crate::system::{Options, System, view};

/// Fails when a file below `folder` holds one of the needles.
pub fn assert_absent(folder: &Path, needles: &[&[u8]]) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_absent(&path, needles);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for needle in needles {
            let found = bytes.windows(needle.len()).any(|window| window == *needle);
            assert!(
                !found,
                "{} holds {:?}",
                path.display(),
                String::from_utf8_lossy(needle)
            );
        }
    }
}

#[tokio::test]
async fn i1_no_address_and_no_user_agent_is_in_any_file_or_log() {
    let options = Options {
        client_ip_header: Some("X-Real-IP"),
        ..Options::default()
    };
    let mut system = System::start_with(options).await;
    let key = system.api_key();
    let agent = "CanaryBrowser/77.1 (unique; canary)";
    for address in ["203.0.113.177", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"] {
        let headers = [
            ("X-Real-IP", address),
            ("user-agent", agent),
            ("cookie", "canarycookie=1"),
        ];
        system
            .post(view("/page?token=canarytoken#canaryhash"), &headers)
            .await;
        // Errors must not tell either.
        system.post("{", &headers).await;
    }
    let needles: Vec<Vec<u8>> = vec![
        b"203.0.113.177".to_vec(),
        vec![203, 0, 113, 177],
        b"cb0071b1".to_vec(),
        b"2001:db8:aaaa".to_vec(),
        b"20010db8aaaabbbb".to_vec(),
        vec![0x20, 0x01, 0x0d, 0xb8, 0xaa, 0xaa, 0xbb, 0xbb],
        b"CanaryBrowser".to_vec(),
        b"canarycookie".to_vec(),
        b"canarytoken".to_vec(),
        b"canaryhash".to_vec(),
        agent.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    let needles: Vec<&[u8]> = needles.iter().map(Vec::as_slice).collect();
    assert_absent(system.data.path(), &needles);
    system.until_totals(&key, [2, 2]).await;
    assert_absent(system.data.path(), &needles);
    // What is packed in the database is looked at unpacked.
    let strings = look(&system, async |store| {
        let site = &store.sites().await.unwrap()[0];
        let mut snapshot = store.snapshot(site.id).await.unwrap();
        let whole = snapshot.whole(date(2000, 1, 1), date(2100, 1, 1)).await;
        whole.unwrap().strings().cloned().collect::<Vec<_>>()
    })
    .await;
    assert!(strings.iter().any(|text| &**text == "/page"), "{strings:?}");
    let unpacked = tempfile::tempdir().unwrap();
    std::fs::write(unpacked.path().join("strings"), strings.join("\n")).unwrap();
    assert_absent(unpacked.path(), &needles);
    system.stop_edge("TERM");
    system.stop_aggregator("TERM");
    assert_absent(system.data.path(), &needles);
}
