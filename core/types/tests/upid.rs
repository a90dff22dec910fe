//! UPIDs: print and read back, whatever they name.

use ironcore_types::{NodeName, TaskId, TaskType, Timestamp, Upid, UserId};
use proptest::prelude::*;

fn upid() -> impl Strategy<Value = Upid> {
    let task_type = proptest::sample::select(TaskType::ALL.to_vec());
    let numbers = (any::<u32>(), any::<u64>(), 0..=i64::MAX, 0..=253_402_207_199_i64);
    (
        "[a-z0-9][a-z0-9_.-]{0,62}",
        numbers,
        task_type,
        ".{0,40}",
        "[a-zA-Z0-9][a-zA-Z0-9_.@!-]{0,60}",
    )
        .prop_map(|(node, (pid, pstart, task, start), task_type, id, user)| Upid {
            node: NodeName::new(node).expect("node"),
            pid,
            pstart,
            task: TaskId(task),
            start: Timestamp::from_seconds(start),
            task_type,
            id,
            user: UserId::new(user).expect("user"),
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_back_what_it_prints(upid in upid()) {
        let text = upid.to_string();
        prop_assert_eq!(text.parse::<Upid>(), Ok(upid.clone()));
        // The form that the field's tools split at colons: nine of them and no white space.
        prop_assert_eq!(text.matches(':').count(), 9);
        prop_assert!(text.bytes().all(|b| b.is_ascii_graphic() && b != b'/'), "{}", text);
        let json = serde_json::to_string(&upid).expect("json");
        prop_assert_eq!(serde_json::from_str::<Upid>(&json).expect("upid"), upid);
    }

    #[test]
    fn never_panics_and_reads_one_form_only(text in "(UPID:[a-z]{1,3}:)?[0-9A-Fa-f:x+\\\\/. -]{0,80}:?") {
        if let Ok(upid) = text.parse::<Upid>() {
            prop_assert_eq!(upid.to_string().parse::<Upid>(), Ok(upid));
        }
    }
}

#[test]
fn the_form_is_the_fields_own() {
    let text = r"UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:backup:ibs\x2dprimary\x3avm-12345:root@local:";
    let upid: Upid = text.parse().expect("upid");
    assert_eq!(upid.id, "ibs-primary:vm/12345");
    assert_eq!(upid.pid, 3356);
    assert_eq!(upid.to_string(), text);
}

#[test]
fn what_is_no_upid_is_refused() {
    let good = "UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:backup:x:root@local:";
    assert!(good.parse::<Upid>().is_ok());
    for (from, to) in [
        ("UPID:", "upid:"),
        ("root@local:", "root@local"),
        ("hub", "HUB"),
        ("00000D1C", "D1C"),
        ("00000D1C", "100000000"),
        ("00000D1C", "+0000D1C"),
        ("00000001", "FFFFFFFFFFFFFFFF"),
        ("00000001", "00000000000000001"),
        (":backup:", ":lunch:"),
        (":x:", r":\x4:"),
        (":x:", r":\x+4:"),
        (":x:", r":\xff:"),
        (":x:", ":a b:"),
        (":x:", ":x:y:"),
        ("root@local", "root/local"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(bad.parse::<Upid>().is_err(), "{bad}");
    }
}
