//! The hand-written side on SQLite: reader threads with a connection each and one writer thread
//! that commits what is queued together. The pragmas are Carnet's own.

use super::product::{Product, Review, Row};
use super::{Fault, List, TENANT};
use anyhow::Result;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The most units of one commit, and for how long it takes in more: Carnet's own bounds.
const MOST_UNITS: usize = 256;
const LONGEST: Duration = Duration::from_millis(5);

macro_rules! concat_select {
    ($rest:literal) => {
        concat!(
            "select p.id, p.name, p.sku, p.price, p.stock, p.status, p.description, p.category_id, \
             p.version, p.created_at, p.updated_at, p.created_by_kind, p.updated_by_kind",
            $rest
        )
    };
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

struct Write {
    products: Vec<Product>,
    reply: oneshot::Sender<Result<Vec<Product>, Fault>>,
}

/// An open file.
pub(super) struct Sqlite {
    reads: Arc<Queue<Read>>,
    writes: Arc<Queue<Write>>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, bare: bool) -> Result<Self> {
        let reads = Arc::new(Queue::default());
        let writes = Arc::new(Queue::default());
        let readers = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
        for _ in 0..readers {
            let connection = connect(path, -4_096)?;
            connection.pragma_update(None, "query_only", true)?;
            let queue: Arc<Queue<Read>> = Arc::clone(&reads);
            std::thread::spawn(move || {
                loop {
                    queue.pop()(&connection);
                }
            });
        }
        let writer = connect(path, -8_192)?;
        writer.pragma_update(None, "synchronous", "full")?;
        writer.pragma_update(None, "wal_autocheckpoint", 8_000)?;
        let schema_version: i64 =
            writer.query_row("select max(version) from carnet_schemas", [], |row| {
                row.get(0)
            })?;
        let queue = Arc::clone(&writes);
        std::thread::spawn(move || {
            loop {
                group(&writer, &queue, schema_version, bare);
            }
        });
        Ok(Self { reads, writes })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let (reply, answer) = oneshot::channel();
        self.reads.push(Box::new(move |connection| {
            drop(reply.send(work(connection).map_err(internal)));
        }));
        answer.await.map_err(internal)?
    }

    pub(super) async fn get(&self, id: u128) -> Result<Option<(Vec<u8>, i64)>, Fault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(concat_select!(
                " from products p where p.tenant = ?1 and p.id = ?2"
            ))?;
            let mut rows = statement.query((TENANT, id.to_be_bytes()))?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let mut out = Vec::with_capacity(512);
            let product = product(row)?;
            product.write(&mut out);
            Ok(Some((out, product.version)))
        })
        .await
    }

    pub(super) async fn list(&self, list: List) -> Result<(Vec<u8>, usize), Fault> {
        self.read(move |connection| {
            let mut out = Vec::with_capacity(8 << 10);
            let mut count = 0;
            out.push(b'[');
            if list.reviews {
                connection.prepare_cached("begin")?.execute([])?;
            }
            let outcome: rusqlite::Result<()> = (|| {
                let mut nested = connection.prepare_cached(
                    "select r.id, r.author, r.rating, r.comment, r.product_id, r.version, \
                     r.created_at, r.updated_at, r.created_by_kind, r.updated_by_kind \
                     from reviews r where r.tenant = ?1 and r.product_id = ?2 \
                     order by r.id desc limit ?3",
                )?;
                let mut each = |row: &rusqlite::Row<'_>| -> rusqlite::Result<()> {
                    if count > 0 {
                        out.push(b',');
                    }
                    count += 1;
                    let product = product(row)?;
                    product.open(&mut out);
                    if list.reviews {
                        out.extend_from_slice(b",\"reviews\":[");
                        let mut rows = nested.query((
                            TENANT,
                            product.id.to_be_bytes(),
                            crate::workload::REVIEW_LIMIT,
                        ))?;
                        let mut first = true;
                        while let Some(row) = rows.next()? {
                            if !first {
                                out.push(b',');
                            }
                            first = false;
                            review(row)?.write(&mut out);
                        }
                        out.push(b']');
                    }
                    out.push(b'}');
                    Ok(())
                };
                match &list.region {
                    None => {
                        let mut statement = connection.prepare_cached(concat_select!(
                            " from products p where p.tenant = ?1 order by p.id desc limit ?2"
                        ))?;
                        let mut rows = statement.query((TENANT, list.limit))?;
                        while let Some(row) = rows.next()? {
                            each(row)?;
                        }
                    }
                    Some(region) => {
                        let mut statement = connection.prepare_cached(concat_select!(
                            " from products p join categories c \
                             on c.tenant = p.tenant and c.id = p.category_id \
                             where p.tenant = ?1 and c.region = ?3 order by p.id desc limit ?2"
                        ))?;
                        let mut rows = statement.query((TENANT, list.limit, region))?;
                        while let Some(row) = rows.next()? {
                            each(row)?;
                        }
                    }
                }
                Ok(())
            })();
            if list.reviews {
                connection.prepare_cached("commit")?.execute([])?;
            }
            outcome?;
            out.push(b']');
            Ok((out, count))
        })
        .await
    }

    pub(super) async fn create(&self, products: Vec<Product>) -> Result<Vec<Product>, Fault> {
        let (reply, answer) = oneshot::channel();
        self.writes.push(Write { products, reply });
        answer.await.map_err(internal)?
    }
}

fn connect(path: &Path, cache: i64) -> Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", cache)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Takes what is queued, applies it in one transaction, commits, then answers.
fn group(connection: &Connection, queue: &Queue<Write>, schema_version: i64, bare: bool) {
    let first = queue.pop();
    let begun = connection
        .prepare_cached("begin immediate")
        .and_then(|mut statement| statement.execute([]));
    if let Err(error) = begun {
        drop(first.reply.send(Err(internal(error))));
        return;
    }
    let started = Instant::now();
    let mut done = Vec::new();
    let mut units = 0;
    let mut next = Some(first);
    while let Some(write) = next.take() {
        units += write.products.len();
        let outcome = apply(connection, &write.products, schema_version, bare);
        done.push((write, outcome));
        if units >= MOST_UNITS || started.elapsed() >= LONGEST {
            break;
        }
        next = queue.try_pop();
    }
    let committed = connection
        .prepare_cached("commit")
        .and_then(|mut statement| statement.execute([]));
    let broken = committed.err().map(|error| error.to_string());
    for (write, outcome) in done {
        let answer = match (&broken, outcome) {
            (Some(error), _) => Err(Fault::Internal(error.clone())),
            (None, Ok(())) => Ok(write.products),
            (None, Err(fault)) => Err(fault),
        };
        drop(write.reply.send(answer));
    }
}

/// One unit. The product comes first: when it cannot be inserted, nothing has changed. A unit of
/// several stands in a savepoint.
fn apply(
    connection: &Connection,
    products: &[Product],
    schema_version: i64,
    bare: bool,
) -> Result<(), Fault> {
    let several = products.len() > 1;
    let run = |sql: &str| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map_err(internal)
    };
    if several {
        run("savepoint unit")?;
    }
    let outcome = products.iter().try_for_each(|product| {
        let mut insert = connection
            .prepare_cached(
                "insert into products (tenant, id, name, sku, price, stock, status, description, \
                 category_id, version, created_at, updated_at, created_by_kind, created_by_id, \
                 updated_by_kind, updated_by_id) \
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?10, null, null, \
                 null, null)",
            )
            .map_err(internal)?;
        insert
            .execute((
                TENANT,
                product.id.to_be_bytes(),
                &product.name,
                &product.sku,
                product.price,
                product.stock,
                &product.status,
                &product.description,
                product.category.to_be_bytes(),
                product.created,
            ))
            .map_err(refused)?;
        if bare {
            return Ok(());
        }
        let mut journal = connection
            .prepare_cached(
                "insert into carnet_journal_records (tenant, resource, record, version, kind, \
                 principal_kind, principal_id, correlation, causation, at, schema_version, body) \
                 values (?1, 'products', ?2, 1, 'create', null, null, ?3, null, ?4, ?5, ?6)",
            )
            .map_err(internal)?;
        journal
            .execute((
                TENANT,
                product.id.to_be_bytes(),
                product.id.to_be_bytes(),
                product.created,
                schema_version,
                &product.journal,
            ))
            .map_err(internal)?;
        Ok(())
    });
    if several {
        if outcome.is_err() {
            run("rollback to unit")?;
        }
        run("release unit")?;
    }
    outcome
}

fn product<'r>(row: &'r rusqlite::Row<'_>) -> rusqlite::Result<Row<'r>> {
    Ok(Row {
        id: key(row, 0)?,
        name: row.get_ref(1)?.as_str()?,
        sku: row.get_ref(2)?.as_str()?,
        price: row.get(3)?,
        stock: row.get(4)?,
        status: row.get_ref(5)?.as_str()?,
        description: row.get_ref(6)?.as_str_or_null()?,
        category: key(row, 7)?,
        version: row.get(8)?,
        created: row.get(9)?,
        updated: row.get(10)?,
        created_by: row.get_ref(11)?.as_str_or_null()?,
        updated_by: row.get_ref(12)?.as_str_or_null()?,
    })
}

fn review<'r>(row: &'r rusqlite::Row<'_>) -> rusqlite::Result<Review<'r>> {
    Ok(Review {
        id: key(row, 0)?,
        author: row.get_ref(1)?.as_str()?,
        rating: row.get(2)?,
        comment: row.get_ref(3)?.as_str()?,
        product: key(row, 4)?,
        version: row.get(5)?,
        created: row.get(6)?,
        updated: row.get(7)?,
        created_by: row.get_ref(8)?.as_str_or_null()?,
        updated_by: row.get_ref(9)?.as_str_or_null()?,
    })
}

fn key(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u128> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(u128::from_be_bytes(bytes))
}

fn refused(error: rusqlite::Error) -> Fault {
    match &error {
        rusqlite::Error::SqliteFailure(code, Some(text))
            if code.code == rusqlite::ErrorCode::ConstraintViolation =>
        {
            if text.starts_with("UNIQUE") {
                Fault::Taken
            } else {
                Fault::Invalid("categoryId")
            }
        }
        _ => internal(error),
    }
}

fn internal(error: impl std::fmt::Display) -> Fault {
    Fault::Internal(error.to_string())
}

/// A queue between tasks and threads.
struct Queue<T> {
    items: Mutex<VecDeque<T>>,
    ready: Condvar,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            items: Mutex::default(),
            ready: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    fn push(&self, item: T) {
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(item);
        self.ready.notify_one();
    }

    fn pop(&self) -> T {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(item) = items.pop_front() {
                return item;
            }
            items = self
                .ready
                .wait(items)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn try_pop(&self) -> Option<T> {
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}
