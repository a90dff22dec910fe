//! Calendar expressions: systemd style and crontab, evaluated in a time zone.
