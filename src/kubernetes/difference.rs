//! What differs between two texts, line by line, for people.

/// So many lines around a change are shown.
const AROUND: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
}

/// The lines that are gone (`-`) and new (`+`) with two around them; empty where there are none. Texts of a few
/// thousand lines at most: time and room grow with the product of what differs.
pub fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let lines = aligned(&before, &after);
    let is_near = |index: usize| {
        let near = index.saturating_sub(AROUND)..(index + AROUND + 1).min(lines.len());
        lines[near].iter().any(|line| !matches!(line, Line::Same(_)))
    };
    let mut text = String::new();
    let mut shown_before = true;
    for (index, line) in lines.iter().enumerate() {
        let shown = is_near(index);
        if shown && !shown_before {
            text.push_str("  …\n");
        }
        shown_before = shown;
        if !shown {
            continue;
        }
        let (mark, words) = match line {
            Line::Same(words) => ("  ", words),
            Line::Gone(words) => ("- ", words),
            Line::New(words) => ("+ ", words),
        };
        text.push_str(mark);
        text.push_str(words);
        text.push('\n');
    }
    text
}

/// Both texts as one list: the longest common lines stand once.
fn aligned<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<Line<'t>> {
    let head = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (one, other) = (&before[head..], &after[head..]);
    let tail = one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count();
    let (middle, new) = (&one[..one.len() - tail], &other[..other.len() - tail]);
    // common[i][j]: how many lines the rests from i and from j have in common.
    let mut common = vec![vec![0_usize; new.len() + 1]; middle.len() + 1];
    for i in (0..middle.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] =
                if middle[i] == new[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let mut lines: Vec<Line<'t>> = before[..head].iter().map(|line| Line::Same(line)).collect();
    let (mut i, mut j) = (0, 0);
    while i < middle.len() || j < new.len() {
        if i < middle.len() && j < new.len() && middle[i] == new[j] {
            lines.push(Line::Same(middle[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < middle.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(Line::Gone(middle[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines.extend(one[one.len() - tail..].iter().map(|line| Line::Same(line)));
    lines
}
