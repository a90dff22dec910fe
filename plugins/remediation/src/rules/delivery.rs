//! What to do when plugins, templates, secrets or destinations of notifications are the trouble.

use super::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        codes: &["plugin.load"],
        title: "Replace the plugin's file",
        why: "The plugin cannot be loaded: it is damaged, has no valid manifest, or was built for another version of the contract.",
        steps: &[
            "Read the message: it says what does not fit.",
            "Build it for `wasm32-wasip2` with this version's guest SDK, and put it into the plugin folder again.",
            "Other plugins are not affected.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["plugin.capability"],
        title: "Grant the capability, or do without the plugin",
        why: "The plugin uses something that was not granted to it, that its manifest does not ask for, or that nobody can have.",
        steps: &[
            "Read in its manifest what it wants, and decide whether it should have it.",
            "Grant it in the hub's configuration: `grant` of `[plugin.NAME]`. Check it with `ironcore-backup config check`, and start the hub again.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["plugin.trap", "plugin.timeout", "plugin.memory"],
        title: "Replace or repair the plugin",
        why: "The plugin crashed, ran too long or wanted too much memory. Only this call was ended; the message is tried again.",
        steps: &[
            "Look at the attempts of the message: they hold what the plugin wrote: `ironcore-backup message list --state pending` and `ironcore-backup message show {message}`.",
            "Tell the author of the plugin, or go back to its earlier version.",
            "Send important news over a second handler with another plugin meanwhile.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["plugin.config"],
        title: "Correct the handler's configuration",
        why: "It does not match the plugin's schema; the message names the keys.",
        steps: &[
            "Correct the keys in the group's handler, and apply it again: `ironcore-backup apply -f FILE --dry-run` says what is still wrong.",
            "Replay the messages that were not delivered: `ironcore-backup message replay --handler {handler}`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["delivery.rejected"],
        title: "Look at what the destination says",
        why: "The destination refused the message for good, so it is not tried again.",
        steps: &[
            "Read its answer: an unknown mailbox, a wrong path, a token that is not accepted, or a body it does not understand: `ironcore-backup message show {message}`.",
            "Correct the handler, or its secret with `ironcore-backup secret set NAME`.",
            "Replay what was given up: `ironcore-backup message replay --handler {handler}`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["delivery.unreachable"],
        title: "Make the destination reachable",
        why: "The destination did not answer, or failed, until no attempt was left.",
        steps: &[
            "Look whether it runs, and whether host, port and TLS of the handler are right.",
            "Look at firewalls between the hub and it.",
            "Replay the messages that were not delivered: `ironcore-backup message replay --handler {handler}`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["delivery.not-sent"],
        title: "See to it that somebody is told instead",
        why: "The handler was removed or disabled while messages waited for it: nobody would send them, so they were given up.",
        steps: &[
            "If it was meant, nothing has to be done: look once at what nobody was told: `ironcore-backup message list --handler {handler} --state dead`.",
            "If not, put the handler back into its group, with `enabled = true`, and apply the declaration: `ironcore-backup apply -f FILE`.",
            "Then send what was given up: `ironcore-backup message replay --handler {handler}`.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["delivery.address"],
        title: "Allow the address, or use another",
        why: "The address is private, of this machine, or otherwise not allowed as a destination, so nothing was sent.",
        steps: &[
            "If it is meant, add the host or range to `allow` under `[egress]` in the hub's configuration, and start the hub again.",
            "Otherwise correct the handler, and find out who set it.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["template.invalid"],
        title: "Correct the template",
        why: "The template cannot be read, or asks for a value that is not there.",
        steps: &[
            "Go to the line and column that the message names.",
            "Remove the file from the template folder to use the built-in one again.",
        ],
        offers: &[],
    },
    Rule {
        codes: &["secret.missing"],
        title: "Set the secret",
        why: "The handler names a secret that has no value on this hub. Messages wait for it.",
        steps: &[
            "Set the secret of that name on the hub's machine: `ironcore-backup secret set NAME` reads it from standard input. `ironcore-backup secret list` shows which there are.",
            "Nothing else has to be done: waiting messages are tried again.",
        ],
        offers: &[],
    },
];
