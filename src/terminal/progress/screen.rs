//! Draws on the terminal. Each frame is a single write, so that nothing flickers, and leaves the cursor at the beginning of its
//! last line, so that the echo of a key does no harm.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use crate::terminal::layout::columns;
use crate::terminal::stderr;

/// The terminal behind stderr, for indicatif.
///
/// indicatif pads each line with spaces up to the edge of the terminal, so that the next line begins in a new row. A terminal
/// that gets narrower would wrap these spaces, so a line break replaces them.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen(Arc<Mutex<Frame>>);

#[derive(Debug, Default)]
struct Frame {
    text: String,
    /// Whether a line break must be written before the next text.
    pending_break: bool,
    /// The widths of the lines in `text`.
    lines: Vec<usize>,
    /// The frame on the screen: its text, the widths of its lines, and the width of the terminal when it was drawn.
    drawn: (String, Vec<usize>, u16),
}

impl Frame {
    /// Returns how many extra rows the `count` lines above the last line take, because the terminal has become narrower and wraps
    /// them.
    fn extra_rows(&self, count: usize, width: u16) -> usize {
        let (_, lines, before) = &self.drawn;
        if width >= *before || width == 0 {
            return 0;
        }
        let above = lines.iter().rev().skip(1).take(count);
        above.map(|line| line.div_ceil(usize::from(width)).saturating_sub(1)).sum()
    }

    fn move_cursor(&mut self, count: usize, command: char) {
        if count > 0 {
            self.text.push_str(&format!("\u{1b}[{count}{command}"));
        }
    }
}

impl Screen {
    /// Makes sure that the next frame is drawn, even if it is equal to the frame on the screen.
    pub(super) fn redraw(&self) {
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
        let more = if frame.text.is_empty() { frame.extra_rows(lines, width) } else { 0 };
        frame.move_cursor(lines + more, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.frame().move_cursor(lines, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.frame().move_cursor(columns, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.frame().move_cursor(columns, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut frame = self.frame();
        if text.trim_start_matches(' ').is_empty() {
            frame.pending_break = true;
        } else {
            if std::mem::take(&mut frame.pending_break) {
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
        // This sequence also clears the rows below the cursor, because a terminal that became narrower might have wrapped text
        // into them.
        frame.text.push_str("\u{1b}[J\r");
        frame.pending_break = false;
        let (text, lines) = (std::mem::take(&mut frame.text), std::mem::take(&mut frame.lines));
        // An unchanged frame is not drawn.
        if frame.drawn.0 != text || frame.drawn.2 != width {
            stderr::draw(&text);
            frame.drawn = (text, lines, width);
        }
        Ok(())
    }
}
