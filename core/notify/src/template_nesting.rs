//! How deep templates go: blocks within blocks of one file, and files that include one another. What goes round in a circle, or
//! deeper than anybody writes by hand, would take the stack of whoever reads or renders it. Plain functions.

use std::collections::BTreeMap;

use handlebars::Template;
use handlebars::template::TemplateElement;

/// Blocks within blocks, and parentheses within parentheses, of one file.
const NESTED: usize = 32;
/// Files that include one another in a row.
const CHAIN: usize = 8;
/// Files that one includes in all, each as often as it is.
const INCLUDED: usize = 1_000;

/// What is wrong with a text that must not even be read; with its line, from 1.
pub(crate) fn too_deep(text: &str) -> Option<(usize, String)> {
    let mut line = 1;
    // Of each open block, how many it stands for: with every `else if` one more.
    let mut blocks: Vec<usize> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        line += rest[..at].matches('\n').count();
        let tag = rest[at..]
            .trim_start_matches('{')
            .trim_start_matches('~')
            .trim_start();
        match tag.bytes().next() {
            Some(b'#') => blocks.push(1),
            Some(b'/') => {
                blocks.pop();
            }
            _ if tag.starts_with("else") && !tag["else".len()..].trim_start().starts_with(['}', '~']) => {
                if let Some(last) = blocks.last_mut() {
                    *last += 1;
                }
            }
            _ => {}
        }
        let within = parentheses(tag);
        if blocks.iter().sum::<usize>() > NESTED || within > NESTED {
            return Some((line, format!("more than {NESTED} of them within one another")));
        }
        let next = rest.len() - tag.len();
        line += rest[at..next].matches('\n').count();
        rest = tag;
    }
    None
}

/// How many parentheses and brackets are within one another at most, up to the end of the tag.
fn parentheses(tag: &str) -> usize {
    let end = tag.find("}}").unwrap_or(tag.len());
    let (mut depth, mut most) = (0_usize, 0);
    for byte in tag[..end].bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// The names of the templates that this one includes, as often as it does; or why that cannot be said.
pub(crate) fn included(template: &Template) -> Result<Vec<String>, &'static str> {
    let mut names = Vec::new();
    collect(template, &mut names)?;
    Ok(names)
}

fn collect(template: &Template, names: &mut Vec<String>) -> Result<(), &'static str> {
    for element in &template.elements {
        match element {
            TemplateElement::HelperBlock(block) => {
                for part in [&block.template, &block.inverse].into_iter().flatten() {
                    collect(part, names)?;
                }
            }
            TemplateElement::PartialExpression(partial) => {
                let name = partial.name.as_name();
                let name =
                    name.ok_or("write the name of what is included as it is: it cannot be reckoned")?;
                names.push(name.trim_matches(['\'', '"', '[', ']']).to_owned());
            }
            TemplateElement::PartialBlock(_) => {
                return Err("blocks that are handed to what is included are not for these templates");
            }
            TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                return Err(
                    "`{{#*inline}}` is not for these templates: give what is included a file of its own",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

/// Those that include themselves, or too much, with what is wrong with each. `includes` has what each template includes.
pub(crate) fn endless(includes: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for name in includes.keys() {
        if let Some(by) = circle(includes, name) {
            found.insert(name.clone(), format!("it includes itself by way of {by}"));
        }
    }
    // Without circles all of them come to an end.
    let mut known = BTreeMap::new();
    let names: Vec<&String> = includes
        .keys()
        .filter(|name| !found.contains_key(*name))
        .collect();
    let mut heavy = Vec::new();
    for name in names {
        let (chain, count) = weigh(includes, &found, name, &mut known);
        if chain > CHAIN {
            heavy.push((
                name.clone(),
                format!("more than {CHAIN} templates include one another in a row"),
            ));
        } else if count > INCLUDED {
            heavy.push((
                name.clone(),
                format!("it includes more than {INCLUDED} templates"),
            ));
        }
    }
    found.extend(heavy);
    found
}

/// By way of which of those that it includes a template includes itself.
fn circle(includes: &BTreeMap<String, Vec<String>>, name: &str) -> Option<String> {
    let of = |name: &str| includes.get(name).into_iter().flatten();
    of(name)
        .find(|first| {
            let (mut seen, mut todo) = (vec![first.as_str()], vec![first.as_str()]);
            while let Some(next) = todo.pop() {
                if next == name {
                    return true;
                }
                for further in of(next)
                    .filter(|further| !seen.contains(&further.as_str()))
                    .collect::<Vec<_>>()
                {
                    seen.push(further);
                    todo.push(further);
                }
            }
            false
        })
        .cloned()
}

/// How many templates are rendered within one another for this one, and how many in all.
fn weigh<'a>(
    includes: &'a BTreeMap<String, Vec<String>>,
    circles: &BTreeMap<String, String>,
    name: &'a str,
    known: &mut BTreeMap<&'a str, (usize, usize)>,
) -> (usize, usize) {
    if let Some(weight) = known.get(name) {
        return *weight;
    }
    let (mut chain, mut count) = (0, 1_usize);
    for part in includes.get(name).into_iter().flatten() {
        if !circles.contains_key(part) {
            let (its, all) = weigh(includes, circles, part, known);
            (chain, count) = (chain.max(its), count.saturating_add(all));
        }
    }
    known.insert(name, (chain + 1, count));
    (chain + 1, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_not_too_deep_and_a_tower_is() {
        assert_eq!(
            too_deep("a {{#if a}}{{#each b}}{{(json (line x))}}{{else if c}}{{/each}}{{/if}}"),
            None
        );
        let tower = |open: &str, times: usize| open.repeat(times);
        for text in [
            tower("{{#if a}}\n", 40),
            tower("{{~# if a}}\n", 40),
            format!("{{{{#if a}}}}{}", tower("{{else if b}}\n", 40)),
            format!("{{{{json {}", tower("(x ", 40)),
            format!("{{{{json {}", tower("[", 40)),
        ] {
            assert!(too_deep(&text).is_some(), "{text}");
        }
        assert_eq!(too_deep(&tower("{{#if a}}\n{{/if}}", 1_000)), None);
        assert_eq!(
            too_deep(&tower("{{#if a}}\n", 40)).map(|(line, _)| line),
            Some(33)
        );
    }

    #[test]
    fn circles_and_towers_of_files_are_found() {
        let set = |files: &[(&str, &[&str])]| {
            let files = files.iter().map(|(name, parts)| {
                let parts = parts.iter().map(|part| (*part).to_owned());
                ((*name).to_owned(), parts.collect())
            });
            endless(&files.collect())
        };
        assert!(set(&[("a", &["b", "b"]), ("b", &["c"]), ("c", &[]), ("d", &["gone"])]).is_empty());
        let circle = set(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
        assert_eq!(circle.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(circle["b"], "it includes itself by way of c");
        assert!(set(&[("a", &["a"])]).contains_key("a"));
        let names: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
        let twice = names
            .windows(2)
            .map(|two| (two[0].clone(), vec![two[1].clone(); 2]));
        assert_eq!(endless(&twice.collect()).len(), 12, "the last eight are no tower");
        let wide = BTreeMap::from([("a".to_owned(), vec!["b".to_owned(); 2_000])]);
        assert!(endless(&wide)["a"].contains("1000"));
    }
}
