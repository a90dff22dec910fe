//! Calendar expressions: what is read, what is refused, and when things fire, on the days of clock changes too.

use ironcore_types::calendar::{Calendar, zone};
use ironcore_types::{ErrorCode, Timestamp};

fn next(expression: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let calendar = Calendar::parse(expression).expect(expression);
    let zone = zone(zone_name).expect("zone");
    let after: Timestamp = after.parse().expect("time");
    calendar
        .upcoming(after, &zone)
        .take(count)
        .map(|time| time.to_string())
        .collect()
}

#[test]
fn crontab_counts_sunday_as_0_and_as_7() {
    let expected = [
        "2026-05-24T02:00:00Z",
        "2026-05-31T02:00:00Z",
        "2026-06-07T02:00:00Z",
    ];
    for expression in [
        "0 2 * * 0",
        "0 2 * * 7",
        "0 2 * * sun",
        "0 2 * * SUN",
        "0 2 * * 7-7",
        "Sun 02:00",
    ] {
        assert_eq!(
            next(expression, "UTC", "2026-05-21T00:00:00Z", 3),
            expected,
            "{expression}"
        );
    }
    assert_eq!(
        next("0 2 * * 5-7", "UTC", "2026-05-21T00:00:00Z", 4),
        next("0 2 * * fri-sun", "UTC", "2026-05-21T00:00:00Z", 4)
    );
}

#[test]
fn crontab_ors_two_restricted_days() {
    // Day 13 or a Friday.
    assert_eq!(
        next("0 2 13 * 5", "UTC", "2026-05-07T12:00:00Z", 5),
        [
            "2026-05-08T02:00:00Z",
            "2026-05-13T02:00:00Z",
            "2026-05-15T02:00:00Z",
            "2026-05-22T02:00:00Z",
            "2026-05-29T02:00:00Z",
        ]
    );
    // A field that begins with * restricts nothing: both must match, as crontab(5) says.
    assert_eq!(
        next("0 2 */2 * 5", "UTC", "2026-05-07T12:00:00Z", 3),
        [
            "2026-05-15T02:00:00Z",
            "2026-05-29T02:00:00Z",
            "2026-06-05T02:00:00Z"
        ]
    );
}

#[test]
fn both_notations_say_the_same() {
    for (crontab, systemd) in [
        ("*/15 * * * *", "*:0/15"),
        ("30 8-18/2 * * mon-fri", "mon..fri 8..18/2:30"),
        ("0 4 1 * *", "*-*-1 04:00"),
        ("0 0 1 jan,jul *", "semiannually"),
        ("@daily", "daily"),
        ("@hourly", "hourly"),
        ("@weekly", "Sun"),
        ("0 0 * * 1", "weekly"),
        ("@monthly", "monthly"),
        ("@yearly", "yearly"),
        ("0 12 29 2 *", "*-02-29 12:00"),
    ] {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
        ] {
            let after = "2026-02-21T09:13:07.5Z";
            assert_eq!(
                next(crontab, name, after, 15),
                next(systemd, name, after, 15),
                "{crontab} {name}"
            );
        }
    }
}

#[test]
fn systemd_notation() {
    for (expression, expected) in [
        ("02:00", ["2026-05-22T02:00:00Z", "2026-05-23T02:00:00Z"]),
        ("Sun 06:00", ["2026-05-24T06:00:00Z", "2026-05-31T06:00:00Z"]),
        (
            "mon..fri 8..18/2:30",
            ["2026-05-21T12:30:00Z", "2026-05-21T14:30:00Z"],
        ),
        (
            "Monday,wed 06:00:30",
            ["2026-05-25T06:00:30Z", "2026-05-27T06:00:30Z"],
        ),
        ("2026-*-01", ["2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"]),
        ("26-6,8-1 1:00", ["2026-06-01T01:00:00Z", "2026-08-01T01:00:00Z"]),
        (
            "12-24..26 18:00",
            ["2026-12-24T18:00:00Z", "2026-12-25T18:00:00Z"],
        ),
        ("*-*~1 23:00", ["2026-05-31T23:00:00Z", "2026-06-30T23:00:00Z"]),
        ("*-02~1", ["2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"]),
        ("Mon *-*~7/1", ["2026-05-25T00:00:00Z", "2026-06-29T00:00:00Z"]),
        ("*:*:0/30", ["2026-05-21T12:00:30Z", "2026-05-21T12:01:00Z"]),
        ("*/6:00", ["2026-05-21T18:00:00Z", "2026-05-22T00:00:00Z"]),
        (
            "02:00 Europe/Berlin",
            ["2026-05-22T00:00:00Z", "2026-05-23T00:00:00Z"],
        ),
        ("weekly UTC", ["2026-05-25T00:00:00Z", "2026-06-01T00:00:00Z"]),
    ] {
        assert_eq!(
            next(expression, "UTC", "2026-05-21T12:00:00Z", 2),
            expected,
            "{expression}"
        );
    }
    // The zone that the expression names wins.
    assert_eq!(
        next("12:00 UTC", "Asia/Tokyo", "2026-05-21T12:00:00Z", 1),
        ["2026-05-22T12:00:00Z"]
    );
    // A time is never its own successor, and parts of a second are seen.
    assert_eq!(
        next("12:00", "UTC", "2026-05-21T11:59:59.999999Z", 1),
        ["2026-05-21T12:00:00Z"]
    );
    // The past never comes again.
    assert!(next("2020-01-01", "UTC", "2026-05-21T12:00:00Z", 1).is_empty());
}

#[test]
fn clocks_set_forward() {
    // Berlin: on 29 March 2026 the hour from 02:00 to 03:00 does not exist; the gap ends at 01:00 UTC.
    for expression in ["0 2 * * 0", "30 2 * * *", "02:45", "15,30,45 2 * * *"] {
        let got = next(expression, "Europe/Berlin", "2026-03-29T00:00:00Z", 1);
        assert_eq!(got, ["2026-03-29T01:00:00Z"], "{expression}");
    }
    assert_eq!(
        next("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3),
        [
            "2026-03-28T01:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-30T00:30:00Z"
        ]
    );
    // The skipped times and 03:00 itself are one.
    assert_eq!(
        next("*/30 1-3 * * *", "Europe/Berlin", "2026-03-28T23:00:00Z", 4),
        [
            "2026-03-29T00:00:00Z",
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z"
        ]
    );
    // New York: 8 March 2026, the gap ends at 07:00 UTC.
    assert_eq!(
        next("0 2 * * 7", "America/New_York", "2026-03-07T12:00:00Z", 2),
        ["2026-03-08T07:00:00Z", "2026-03-15T06:00:00Z"]
    );
    assert_eq!(
        next("02:30", "America/New_York", "2026-03-07T12:00:00Z", 2),
        ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]
    );
}

#[test]
fn clocks_set_back() {
    // Berlin: on 25 October 2026 the hour from 02:00 to 03:00 comes twice, at 00:00 and 01:00 UTC.
    for expression in ["30 2 * * *", "02:30", "30 1-3 * * *"] {
        let got = next(expression, "Europe/Berlin", "2026-10-25T00:00:00Z", 2);
        assert_eq!(got[0], "2026-10-25T00:30:00Z", "{expression}");
        assert_ne!(got[1], "2026-10-25T01:30:00Z", "{expression}");
    }
    assert_eq!(
        next("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", 1),
        ["2026-10-26T01:30:00Z"]
    );
    for expression in ["30 * * * *", "*:30", "0..23:30"] {
        assert_eq!(
            next(expression, "Europe/Berlin", "2026-10-24T23:00:00Z", 4),
            [
                "2026-10-24T23:30:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:30:00Z"
            ],
            "{expression}"
        );
    }
    // New York: 1 November 2026, 01:00 to 02:00 comes at 05:00 and at 06:00 UTC.
    assert_eq!(
        next("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
        ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
    );
    assert_eq!(
        next("hourly", "America/New_York", "2026-11-01T04:30:00Z", 3),
        [
            "2026-11-01T05:00:00Z",
            "2026-11-01T06:00:00Z",
            "2026-11-01T07:00:00Z"
        ]
    );
    // Started between the two: the repetition does not fire.
    assert_eq!(
        next("1:30", "America/New_York", "2026-11-01T06:10:00Z", 1),
        ["2026-11-02T06:30:00Z"]
    );
}

#[test]
fn errors_say_what_and_where() {
    for (expression, at, why) in [
        ("", "", "empty"),
        ("25:00", "25", "0 to 23"),
        ("mon..fri 8..18/2:3o", "3o", "0 to 59"),
        ("fri..mon 02:00", "fri..mon", "week begins on Monday"),
        ("someday 02:00", "someday", "not a weekday"),
        ("dayly", "dayly", "not a weekday"),
        ("02:00 Mars/Base", "Mars/Base", "time zone"),
        ("2026-13-01", "13", "1 to 12"),
        ("*-02-31", "", "no such day"),
        ("2027-02-29", "", "no such day"),
        ("5..3:00", "5..3", "ends before"),
        ("*:0/60", "0/60", "leads to no other"),
        ("*:0/0", "0/0", "above 0"),
        ("12", "12", "expected a date"),
        ("1:2:3:4", "1:2:3:4", "expected a time"),
        ("08:05:40.5", "40.5", "0 to 59"),
        ("60 2 * * *", "60", "minute"),
        ("0 2 * * 8", "8", "day of the week"),
        ("0 2 31 2 *", "31", "no such day"),
        ("5/15 * * * *", "5/15", "5-59"),
        ("0 2 * jam *", "jam", "month"),
        ("0 0 2 * * *", "", "five fields, this has 6"),
        ("@reboot", "", "@daily"),
        ("0 2 5-1 * *", "5-1", "ends before"),
        ("0 2 * * 1,,2", "", "expected"),
    ] {
        let error = Calendar::parse(expression).expect_err(expression);
        assert_eq!(error.code(), ErrorCode::ScheduleInvalid);
        assert_eq!(error.at(), at, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(
        zone("Mars/Base")
            .expect_err("zone")
            .to_string()
            .contains("Mars/Base")
    );
}

#[test]
fn words() {
    for (expression, words) in [
        ("02:00", "at 02:00 every day"),
        ("Sun 06:00", "at 06:00 on Sunday"),
        (
            "mon..fri 8..18/2:30",
            "at 08:30, 10:30, 12:30, 14:30, 16:30 and 18:30 on Monday to Friday",
        ),
        ("*:0/15", "every 15 minutes"),
        ("hourly", "every hour"),
        ("minutely", "every minute"),
        ("*:5,35", "every hour at minutes 5 and 35"),
        ("*-*-1 04:00", "at 04:00 on day 1 of the month"),
        ("0 2 13 * 5", "at 02:00 on day 13 of the month or on Friday"),
        (
            "Fri *-*-13 02:00",
            "at 02:00 on Friday that is day 13 of the month",
        ),
        (
            "quarterly",
            "at 00:00 on day 1 of the month, in January, April, July and October",
        ),
        ("2026-*-01", "at 00:00 on day 1 of the month, 2026"),
        ("*-*~1", "at 00:00 on the last day of the month"),
        ("*/5 8-18 * * *", "every 5 minutes of hours 8 to 18"),
        ("02:00 Europe/Berlin", "at 02:00 every day (Europe/Berlin)"),
        ("sat,sun 1:00:30", "at 01:00:30 on Saturday and Sunday"),
    ] {
        assert_eq!(Calendar::parse(expression).expect(expression).describe(), words);
    }
}

#[test]
fn in_json_it_is_its_text() {
    let calendar: Calendar = serde_json::from_str("\" Sun 06:00 \"").expect("calendar");
    assert_eq!(serde_json::to_string(&calendar).expect("json"), "\"Sun 06:00\"");
    assert!(serde_json::from_str::<Calendar>("\"Someday\"").is_err());
}
