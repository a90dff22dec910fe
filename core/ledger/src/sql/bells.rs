//! Who is to look again: what a transaction touched, and the senders behind [`Wakes`].

use tokio::sync::watch;

use crate::open::Wakes;

/// Which waiters are to look again after COMMIT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    pub(crate) tasks: bool,
    pub(crate) events: bool,
    pub(crate) messages: bool,
    pub(crate) logs: bool,
    pub(crate) objects: bool,
    pub(crate) access: bool,
}

impl Woken {
    pub(crate) const ALL: Self = Self {
        tasks: true,
        events: true,
        messages: true,
        logs: true,
        objects: true,
        access: true,
    };

    /// A letter for each, as hubs tell one another.
    pub(crate) fn letters(self) -> String {
        let each = [
            (self.tasks, 't'),
            (self.events, 'e'),
            (self.messages, 'm'),
            (self.logs, 'l'),
            (self.objects, 'o'),
            (self.access, 'a'),
        ];
        each.into_iter()
            .filter_map(|(rung, letter)| rung.then_some(letter))
            .collect()
    }

    pub(crate) fn of_letters(letters: &str) -> Self {
        Self {
            tasks: letters.contains('t'),
            events: letters.contains('e'),
            messages: letters.contains('m'),
            logs: letters.contains('l'),
            objects: letters.contains('o'),
            access: letters.contains('a'),
        }
    }
}

/// The senders behind [`Wakes`].
#[derive(Debug)]
pub(crate) struct Bells {
    tasks: watch::Sender<u64>,
    events: watch::Sender<u64>,
    messages: watch::Sender<u64>,
    logs: watch::Sender<u64>,
    objects: watch::Sender<u64>,
    access: watch::Sender<u64>,
}

impl Bells {
    pub(crate) fn new() -> Self {
        let bell = || watch::channel(0).0;
        Self {
            tasks: bell(),
            events: bell(),
            messages: bell(),
            logs: bell(),
            objects: bell(),
            access: bell(),
        }
    }

    pub(crate) fn ring(&self, woken: Woken) {
        let each = [
            (woken.tasks, &self.tasks),
            (woken.events, &self.events),
            (woken.messages, &self.messages),
            (woken.logs, &self.logs),
            (woken.objects, &self.objects),
            (woken.access, &self.access),
        ];
        for (_, bell) in each.into_iter().filter(|(rung, _)| *rung) {
            bell.send_modify(|number| *number = number.wrapping_add(1));
        }
    }

    pub(crate) fn wakes(&self) -> Wakes {
        Wakes {
            tasks: self.tasks.subscribe(),
            events: self.events.subscribe(),
            messages: self.messages.subscribe(),
            logs: self.logs.subscribe(),
            objects: self.objects.subscribe(),
            access: self.access.subscribe(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Woken;

    #[test]
    fn letters_say_what_was_woken() {
        let woken = Woken {
            tasks: true,
            logs: true,
            ..Woken::default()
        };
        assert_eq!(Woken::of_letters(&woken.letters()), woken);
        assert_eq!(Woken::of_letters(&Woken::ALL.letters()), Woken::ALL);
        assert_eq!(Woken::of_letters(""), Woken::default());
    }
}
