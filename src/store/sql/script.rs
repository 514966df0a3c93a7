//! Statements that are sent together. SQLite takes several at a time, and each sending is two threads waking each other, which costs more than
//! most statements do; PostgreSQL gets them one by one.

use super::engine::Engine;
use crate::store::StoreError;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, Arguments, AssertSqlSafe, Encode, Type};
use std::fmt::Write;

/// Rows are written in pieces of so many and half of that and so on, so that there are few different statements to prepare.
const MOST_ROWS: usize = 32;

/// Statements on their way to a connection.
pub(super) struct Script<'c> {
    engine: Engine,
    connection: &'c mut AnyConnection,
    text: String,
    arguments: AnyArguments,
    count: usize,
    /// What statements that were sent already gave.
    rows: Vec<AnyRow>,
    /// It is of the kind that comes again and again, and worth being kept prepared.
    is_usual: bool,
}

impl<'c> Script<'c> {
    pub(super) fn new(engine: Engine, connection: &'c mut AnyConnection) -> Self {
        Self { engine, connection, text: String::new(), arguments: AnyArguments::default(), count: 0, rows: Vec::new(), is_usual: true }
    }

    /// Adds a statement without values.
    pub(super) async fn add(&mut self, statement: &str) -> Result<(), StoreError> {
        self.next().await?;
        self.text.push_str(statement);
        Ok(())
    }

    /// Adds `before VALUES (…), (…) after` with rows of so many columns; the values follow with [`Script::bind`].
    pub(super) async fn add_rows(&mut self, before: &str, (rows, columns): (usize, usize), after: &str) -> Result<(), StoreError> {
        self.next().await?;
        self.is_usual &= rows == 1;
        self.text.push_str(before);
        self.text.push_str(" VALUES ");
        for row in 0..rows {
            self.text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..columns {
                let number = self.count + row * columns + column + 1;
                // Writing to a string does not fail.
                if write!(self.text, "{}${number}", if column == 0 { "" } else { ", " }).is_err() {
                    break;
                }
            }
            self.text.push(')');
        }
        self.text.push(' ');
        self.text.push_str(after);
        Ok(())
    }

    /// Gives the next value.
    pub(super) fn bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> Result<(), StoreError> {
        self.count += 1;
        Ok(self.arguments.add(value).map_err(sqlx::Error::Encode)?)
    }

    /// Sends what was added, and returns the rows that it gives.
    pub(super) async fn send(&mut self) -> Result<Vec<AnyRow>, StoreError> {
        self.flush().await?;
        Ok(std::mem::take(&mut self.rows))
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        if self.text.is_empty() {
            return Ok(());
        }
        self.count = 0;
        let is_usual = std::mem::replace(&mut self.is_usual, true);
        let (text, arguments) = (std::mem::take(&mut self.text), std::mem::take(&mut self.arguments));
        let query = sqlx::query_with(AssertSqlSafe(text), arguments).persistent(is_usual);
        self.rows.extend(query.fetch_all(&mut *self.connection).await?);
        Ok(())
    }

    async fn next(&mut self) -> Result<(), StoreError> {
        match self.engine {
            Engine::Sqlite if self.text.is_empty() => {}
            Engine::Sqlite => self.text.push_str("; "),
            Engine::Postgres => self.flush().await?,
        }
        Ok(())
    }
}

/// Returns the pieces in which rows are written.
pub(super) fn pieces<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut most = MOST_ROWS;
        while most > rest.len() && most > 0 {
            most /= 2;
        }
        let (piece, later) = rest.split_at_checked(most).filter(|(piece, _)| !piece.is_empty())?;
        rest = later;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn rows_are_written_in_few_sizes_and_none_is_left_out() {
        let sizes = |count: usize| pieces(&(0..count).collect::<Vec<_>>()).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(77), [32, 32, 8, 4, 1]);
    }
}
