//! Reads the final stage of the Dockerfile.

/// One instruction: its name in capitals, and the rest of its line with continued lines joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    pub name: String,
    pub rest: String,
}

/// The instructions of the last stage, `FROM` first.
pub fn final_stage(text: &str) -> Vec<Instruction> {
    let mut instructions: Vec<Instruction> = Vec::new();
    let mut is_continued = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty()) {
        let (line, continues) = line.trim().strip_suffix('\\').map_or((line.trim(), false), |line| (line.trim(), true));
        match instructions.last_mut() {
            Some(last) if is_continued => last.rest = format!("{} {line}", last.rest),
            _ => {
                let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
                instructions.push(Instruction { name: name.to_ascii_uppercase(), rest: rest.trim().to_owned() });
            }
        }
        is_continued = continues;
    }
    let last = instructions.iter().rposition(|instruction| instruction.name == "FROM").unwrap_or(0);
    instructions.split_off(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_is_read_with_its_long_lines() {
        let text = "# one\nFROM rust AS build\nRUN a\n\nFROM debian:bookworm-slim\n# two\nRUN a \\\n  # inside\n    && b\nENV A=1 B=2\n";
        let read: Vec<_> = final_stage(text).into_iter().map(|it| format!("{}|{}", it.name, it.rest)).collect();
        assert_eq!(read, ["FROM|debian:bookworm-slim", "RUN|a && b", "ENV|A=1 B=2"]);
    }
}
