//! This module owns drawing on the terminal: each frame as one piece, so that nothing flickers, and with the cursor at the
//! beginning of its last line, so that a key's echo does no harm.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use crate::terminal::layout::columns;
use crate::terminal::stderr;

/// The terminal behind stderr, as indicatif wants to see it.
///
/// indicatif fills each line up with spaces and lets the terminal begin the next one at its edge. After that a terminal that
/// gets narrower would wrap lines that hardly hold anything, so the spaces are replaced by a line's end.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen(Arc<Mutex<Frame>>);

#[derive(Debug, Default)]
struct Frame {
    text: String,
    /// A line has ended, and nothing has come behind it yet.
    line_is_over: bool,
    /// The widths of the lines of this frame.
    lines: Vec<usize>,
    /// What is on the screen: the frame that was drawn, its lines, and the width it was drawn for.
    drawn: (String, Vec<usize>, u16),
}

impl Frame {
    /// How many rows more than one each the `count` lines above the last one on the screen take, because the terminal has become
    /// narrower and wraps them.
    fn wrapped(&self, count: usize, width: u16) -> usize {
        let (_, lines, before) = &self.drawn;
        if width >= *before || width == 0 {
            return 0;
        }
        let above = lines.iter().rev().skip(1).take(count);
        above.map(|line| line.div_ceil(usize::from(width)).saturating_sub(1)).sum()
    }

    fn step(&mut self, count: usize, command: char) {
        if count > 0 {
            self.text.push_str(&format!("\u{1b}[{count}{command}"));
        }
    }
}

impl Screen {
    /// Makes sure that the next frame is drawn even if it is the same: what it says is said again.
    pub(super) fn forget(&self) {
        self.frame().drawn.0.clear();
    }

    fn frame(&self) -> MutexGuard<'_, Frame> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        console::Term::stderr().size().1
    }

    fn height(&self) -> u16 {
        console::Term::stderr().size().0
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        let (mut frame, width) = (self.frame(), self.width());
        let more = if frame.text.is_empty() { frame.wrapped(lines, width) } else { 0 };
        frame.step(lines + more, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.frame().step(lines, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.frame().step(columns, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.frame().step(columns, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut frame = self.frame();
        if text.trim_start_matches(' ').is_empty() {
            frame.line_is_over = true;
        } else {
            if std::mem::take(&mut frame.line_is_over) {
                frame.text.push_str("\r\n");
            }
            frame.text.push_str(text);
            frame.lines.push(columns(&console::strip_ansi_codes(text)));
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.frame().text.push_str("\r\u{1b}[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let (mut guard, width) = (self.frame(), self.width());
        let frame = &mut *guard;
        // Whatever a narrower terminal has pushed below is taken away, too.
        frame.text.push_str("\u{1b}[J\r");
        frame.line_is_over = false;
        let (text, lines) = (std::mem::take(&mut frame.text), std::mem::take(&mut frame.lines));
        // An idle terminal is left alone.
        if frame.drawn.0 != text || frame.drawn.2 != width {
            stderr::draw(&text);
            frame.drawn = (text, lines, width);
        }
        Ok(())
    }
}
