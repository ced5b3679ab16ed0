//! Whether the buffers of a message are long enough for its rows, as far as that shows without a look at values.

use arrow_schema::UnionMode;

use super::body::Body;
use crate::error::Error;
use crate::problem::Problem;
use crate::schema::{FieldPlan, Shape};
use crate::verify::{MAX_ROWS, Node, Parts};

/// Walks the plan and the parts of a message side by side, as the reader of arrays does.
pub(super) struct Lengths<'a> {
    parts: Parts<'a>,
    body: Body<'a>,
    /// The dictionaries whose values came, by slot, and their ids.
    came: &'a [bool],
    ids: &'a dyn Fn(usize) -> i64,
    node: usize,
    buffer: usize,
    view: usize,
}

impl<'a> Lengths<'a> {
    pub(super) fn new(parts: Parts<'a>, body: Body<'a>, came: &'a [bool], ids: &'a dyn Fn(usize) -> i64) -> Self {
        Self { parts, body, came, ids, node: 0, buffer: 0, view: 0 }
    }

    /// Checks a column, which has as many rows as its message.
    pub(super) fn column(&mut self, plan: &FieldPlan, rows: usize) -> Result<(), Error> {
        let stated = self.field(plan)?;
        if stated == rows { Ok(()) } else { Err(mismatch(stated, rows).within(&plan.name)) }
    }

    /// Checks a field and all below it, and gives its rows.
    fn field(&mut self, plan: &FieldPlan) -> Result<usize, Error> {
        let node = self.parts.node(self.node).ok_or(Error::Missing { part: "field node" })?;
        self.node += 1;
        let node = Node::checked(node.length(), node.null_count());
        let checked = node.and_then(|node| {
            self.own_buffers(plan.shape, node)?;
            let children = plan.children.iter().map(|child| self.field(child)).collect::<Result<Vec<_>, _>>()?;
            check_children(plan.shape, node.rows, &children)?;
            Ok(node.rows)
        });
        checked.map_err(|error| error.within(&plan.name))
    }

    fn own_buffers(&mut self, shape: Shape, node: Node) -> Result<(), Error> {
        let rows = node.rows;
        match shape {
            Shape::Null => return Ok(()),
            Shape::Union { .. } | Shape::Runs => self.old_validity(node)?,
            _ if node.nulls > 0 => self.next(rows.div_ceil(8), "validity")?,
            _ => self.buffer += 1,
        }
        match shape {
            Shape::Boolean => self.next(rows.div_ceil(8), "values"),
            Shape::Primitive { width, .. } | Shape::FixedBinary { width } => self.next(rows * width, "values"),
            Shape::Dictionary { width, slot } => {
                if self.came.get(slot) != Some(&true) {
                    return Err(Error::field(Problem::NoDictionary { id: (self.ids)(slot) }));
                }
                self.next(rows * width, "keys")
            }
            Shape::Bytes { large } => {
                self.offsets(rows, large)?;
                self.data()
            }
            Shape::List { large } => self.offsets(rows, large),
            Shape::ListView { large } => {
                self.next(rows * offset_width(large), "offsets")?;
                self.next(rows * offset_width(large), "sizes")
            }
            Shape::View => {
                self.next(rows * size_of::<u128>(), "views")?;
                let data = self.parts.views(self.view).ok_or(Error::Missing { part: "variadic buffer count" })?;
                self.view += 1;
                (0..data).try_for_each(|_| self.data())
            }
            Shape::Union { mode } => {
                self.next(rows, "type ids")?;
                if mode == UnionMode::Dense { self.next(rows * size_of::<i32>(), "offsets") } else { Ok(()) }
            }
            Shape::Null | Shape::FixedList { .. } | Shape::Struct | Shape::Runs => Ok(()),
        }
    }

    fn old_validity(&mut self, node: Node) -> Result<(), Error> {
        if self.parts.old_validity {
            self.buffer += 1;
            node.no_nulls_of_its_own()?;
        }
        Ok(())
    }

    fn offsets(&mut self, rows: usize, large: bool) -> Result<(), Error> {
        self.next(if rows == 0 { 0 } else { (rows + 1) * offset_width(large) }, "offsets")
    }

    /// The next buffer, of which so many bytes are needed. If that is none, it is not looked at.
    fn next(&mut self, needed: usize, buffer: &'static str) -> Result<(), Error> {
        let range = self.next_range()?;
        if needed == 0 {
            return Ok(());
        }
        let actual = self.body.length(range)?;
        if actual < needed { Err(Error::field(Problem::ShortBuffer { buffer, needed, actual })) } else { Ok(()) }
    }

    /// The next buffer, of which values say how much is needed.
    fn data(&mut self) -> Result<(), Error> {
        let range = self.next_range()?;
        self.body.length(range).map(drop)
    }

    fn next_range(&mut self) -> Result<(usize, usize), Error> {
        let range = self.parts.buffer(self.buffer).ok_or(Error::Missing { part: "buffer" })?;
        self.buffer += 1;
        Ok(range)
    }
}

fn offset_width(large: bool) -> usize {
    if large { size_of::<i64>() } else { size_of::<i32>() }
}

/// Whether children have rows enough for those of their parent, where values are not needed to tell.
fn check_children(shape: Shape, rows: usize, children: &[usize]) -> Result<(), Error> {
    let needed = match shape {
        Shape::Struct | Shape::Union { mode: UnionMode::Sparse } => rows,
        Shape::FixedList { size } => {
            let all = rows.checked_mul(size).filter(|&all| all <= MAX_ROWS);
            all.ok_or_else(|| mismatch(rows, MAX_ROWS / size.max(1)))?
        }
        Shape::Runs => match children {
            [ends, values] if ends != values => return Err(mismatch(*values, *ends)),
            _ => usize::from(rows > 0),
        },
        _ => 0,
    };
    match children.iter().find(|&&child| child < needed) {
        Some(&child) => Err(mismatch(child, needed)),
        None => Ok(()),
    }
}

fn mismatch(stated: usize, expected: usize) -> Error {
    Error::field(Problem::Rows { stated: stated as i64, expected })
}
