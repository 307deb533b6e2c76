//! The hand-written side on PostgreSQL: exclusively held sessions behind the same wall, statements
//! prepared when a session is opened, one flight per request, a write as one data-modifying
//! statement with its journal row, serialisable.

use super::product::{Product, Review, Row};
use super::{Fault, List, Options, TENANT};
use anyhow::{Context as _, Result};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, NoTls, Statement};

/// How often a write that lost its race runs again.
const MOST_RERUNS: usize = 5;

const PRODUCT: &str = "p.id, p.name, p.sku, p.price, p.stock, p.status, p.description, \
     p.category_id, p.version, p.created_at, p.updated_at, p.created_by_kind, p.updated_by_kind";

const REVIEW: &str = "r.id, r.author, r.rating, r.comment, r.product_id, r.version, r.created_at, \
     r.updated_at, r.created_by_kind, r.updated_by_kind";

/// How many columns of a product come before a review's.
const WIDTH: usize = 13;

struct Session {
    client: Client,
    get: Statement,
    list: Statement,
    filtered: Statement,
    included: Statement,
    create: Statement,
    bulk: Statement,
}

struct Pool {
    idle: Mutex<Vec<Session>>,
    free: Semaphore,
}

/// Sessions for reads and for writes, each with its tenant and isolation set for good.
pub(super) struct Postgres {
    reads: Pool,
    writes: Pool,
    schema_version: i64,
}

impl Postgres {
    pub(super) async fn open(options: &Options) -> Result<Self> {
        let half = (options.connections / 2).max(1);
        let reads = Pool::open(options, half, "read committed").await?;
        let writes = Pool::open(options, half, "serializable").await?;
        let owner = connect(&options.database).await?;
        let schema_version = owner
            .query_one(
                "select max(version)::bigint from carnet.carnet_schemas",
                &[],
            )
            .await?
            .get(0);
        Ok(Self {
            reads,
            writes,
            schema_version,
        })
    }

    pub(super) async fn get(&self, id: u128) -> Result<Option<(Vec<u8>, i64)>, Fault> {
        let session = self.reads.take().await;
        let row = session
            .client
            .query_opt(&session.get, &[&TENANT, &Key(id)])
            .await;
        self.reads.give(session);
        let Some(row) = row.map_err(internal)? else {
            return Ok(None);
        };
        let mut out = Vec::with_capacity(512);
        let product = product(&row)?;
        product.write(&mut out);
        Ok(Some((out, product.version)))
    }

    pub(super) async fn list(&self, list: List) -> Result<(Vec<u8>, usize), Fault> {
        let session = self.reads.take().await;
        let client = &session.client;
        let rows = match (&list.region, list.reviews) {
            (None, false) => client.query(&session.list, &[&TENANT, &list.limit]).await,
            (Some(region), false) => {
                client
                    .query(&session.filtered, &[&TENANT, &list.limit, region])
                    .await
            }
            (None, true) => {
                client
                    .query(
                        &session.included,
                        &[&TENANT, &list.limit, &crate::workload::REVIEW_LIMIT],
                    )
                    .await
            }
            (Some(_), true) => return Err(Fault::Invalid("include beside a filter")),
        };
        self.reads.give(session);
        let rows = rows.map_err(internal)?;
        let mut out = Vec::with_capacity(8 << 10);
        let mut count = 0;
        let mut last = None;
        out.push(b'[');
        for row in &rows {
            let product = product(row)?;
            let fresh = last != Some(product.id);
            if fresh {
                if count > 0 {
                    out.extend_from_slice(if list.reviews { b"]}," } else { b"}," });
                }
                count += 1;
                last = Some(product.id);
                product.open(&mut out);
                if list.reviews {
                    out.extend_from_slice(b",\"reviews\":[");
                }
            }
            if list.reviews
                && let Some(review) = review(row)?
            {
                if !fresh {
                    out.push(b',');
                }
                review.write(&mut out);
            }
        }
        if count > 0 {
            out.extend_from_slice(if list.reviews { b"]}" } else { b"}" });
        }
        out.push(b']');
        Ok((out, count))
    }

    pub(super) async fn create(&self, products: Vec<Product>) -> Result<Vec<Product>, Fault> {
        let session = self.writes.take().await;
        let mut outcome = Ok(());
        for _ in 0..=MOST_RERUNS {
            outcome = match products.as_slice() {
                [product] => self.insert(&session, product).await,
                products => self.insert_all(&session, products).await,
            };
            let lost = outcome
                .as_ref()
                .err()
                .and_then(tokio_postgres::Error::code)
                .is_some_and(|code| ["40001", "40P01"].contains(&code.code()));
            if !lost {
                break;
            }
        }
        self.writes.give(session);
        outcome.map_err(refused)?;
        Ok(products)
    }

    async fn insert(
        &self,
        session: &Session,
        product: &Product,
    ) -> Result<(), tokio_postgres::Error> {
        session
            .client
            .execute(
                &session.create,
                &[
                    &TENANT,
                    &Key(product.id),
                    &product.name,
                    &product.sku,
                    &product.price,
                    &product.stock,
                    &product.status,
                    &product.description,
                    &Key(product.category),
                    &Moment(product.created),
                    &self.schema_version,
                    &product.journal,
                ],
            )
            .await?;
        Ok(())
    }

    async fn insert_all(
        &self,
        session: &Session,
        products: &[Product],
    ) -> Result<(), tokio_postgres::Error> {
        let created = products.first().map_or(0, |product| product.created);
        fn column<'p, T>(products: &'p [Product], of: impl Fn(&'p Product) -> T) -> Vec<T> {
            products.iter().map(of).collect()
        }
        let ids = column(products, |product| Key(product.id));
        let names = column(products, |product| product.name.as_str());
        let skus = column(products, |product| product.sku.as_str());
        let prices = column(products, |product| product.price);
        let stocks = column(products, |product| product.stock);
        let statuses = column(products, |product| product.status.as_str());
        let descriptions = column(products, |product| product.description.as_deref());
        let categories = column(products, |product| Key(product.category));
        let journals = column(products, |product| product.journal.as_str());
        session
            .client
            .execute(
                &session.bulk,
                &[
                    &TENANT,
                    &ids,
                    &names,
                    &skus,
                    &prices,
                    &stocks,
                    &statuses,
                    &descriptions,
                    &categories,
                    &Moment(created),
                    &self.schema_version,
                    &journals,
                ],
            )
            .await?;
        Ok(())
    }
}

impl Pool {
    async fn open(options: &Options, size: usize, isolation: &str) -> Result<Self> {
        let mut idle = Vec::with_capacity(size);
        for _ in 0..size {
            idle.push(Session::open(options, isolation).await?);
        }
        Ok(Self {
            idle: Mutex::new(idle),
            free: Semaphore::new(size),
        })
    }

    /// A session for one flight; it must be given back.
    async fn take(&self) -> Session {
        loop {
            // The semaphore is never closed.
            if let Ok(permit) = self.free.acquire().await {
                permit.forget();
            }
            let session = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            if let Some(session) = session {
                return session;
            }
        }
    }

    fn give(&self, session: Session) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(session);
        self.free.add_permits(1);
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("the database does not answer")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a session ended: {error}");
        }
    });
    Ok(client)
}

impl Session {
    async fn open(options: &Options, isolation: &str) -> Result<Self> {
        let client = connect(&options.database).await?;
        client
            .batch_execute("set timezone = 'UTC'; set jit = off; set statement_timeout = 10000")
            .await?;
        if !options.bare {
            let role: String = client
                .query_one(
                    "select quote_ident('carnet_' || current_database() || '_app')",
                    &[],
                )
                .await?
                .get(0);
            client.batch_execute(&format!("set role {role}")).await?;
        }
        client
            .execute(
                "select set_config('carnet.tenant', $1, false), \
                 set_config('default_transaction_isolation', $2, false)",
                &[&TENANT.to_string(), &isolation],
            )
            .await?;
        let page = format!(
            "select {PRODUCT} from app.products p where p.tenant = $1 order by p.id desc limit $2"
        );
        let insert = "insert into app.products (tenant, id, name, sku, price, stock, status, \
             description, category_id, version, created_at, updated_at, created_by_kind, \
             updated_by_kind)";
        let journal = "insert into app.carnet_journal_records (tenant, resource, record, version, \
             kind, principal_kind, correlation, at, schema_version, body)";
        let (create, bulk) = if options.bare {
            (
                format!(
                    "{insert} select $1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10::timestamptz, \
                     $10::timestamptz, null::text, null::text \
                     where $11::bigint is not null and $12::text is not null"
                ),
                format!(
                    "{insert} select $1, u.id, u.name, u.sku, u.price, u.stock, u.status, \
                     u.description, u.category, 1, $10::timestamptz, $10::timestamptz, \
                     null::text, null::text \
                     from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], \
                     $7::text[], $8::text[], $9::uuid[], $12::text[]) \
                     as u(id, name, sku, price, stock, status, description, category, body) \
                     where $11::bigint is not null"
                ),
            )
        } else {
            (
                format!(
                    "with r as ({insert} values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10, \
                     null::text, null::text) returning 1) \
                     {journal} select $1, 'products', $2, 1, 'create', null, $2, $10, $11, \
                     $12 from r"
                ),
                format!(
                    "with u as (select * from unnest($2::uuid[], $3::text[], $4::text[], \
                     $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::uuid[], $12::text[]) \
                     as u(id, name, sku, price, stock, status, description, category, body)), \
                     r as ({insert} select $1, u.id, u.name, u.sku, u.price, u.stock, u.status, \
                     u.description, u.category, 1, $10, $10, null::text, null::text from u \
                     returning id) \
                     {journal} select $1, 'products', u.id, 1, 'create', null::text, u.id, $10, \
                     $11, u.body from r join u using (id)"
                ),
            )
        };
        Ok(Self {
            get: client
                .prepare(&format!(
                    "select {PRODUCT} from app.products p where p.tenant = $1 and p.id = $2"
                ))
                .await?,
            list: client.prepare(&page).await?,
            filtered: client
                .prepare(&format!(
                    "select {PRODUCT} from app.products p \
                     join app.categories c on c.tenant = p.tenant and c.id = p.category_id \
                     where p.tenant = $1 and c.tenant = $1 and c.region = $3 \
                     order by p.id desc limit $2"
                ))
                .await?,
            included: client
                .prepare(&format!(
                    "select {PRODUCT}, {REVIEW} from ({page}) p left join lateral \
                     (select * from app.reviews r where r.tenant = $1 and r.product_id = p.id \
                     order by r.id desc limit $3) r on true \
                     order by p.id desc, r.id desc",
                    page = page.replace(PRODUCT, "*"),
                ))
                .await?,
            create: client.prepare(&create).await?,
            bulk: client.prepare(&bulk).await?,
            client,
        })
    }
}

fn product(row: &tokio_postgres::Row) -> Result<Row<'_>, Fault> {
    let read = || {
        Ok(Row {
            id: row.try_get::<_, Key>(0)?.0,
            name: row.try_get(1)?,
            sku: row.try_get(2)?,
            price: row.try_get(3)?,
            stock: row.try_get(4)?,
            status: row.try_get(5)?,
            description: row.try_get(6)?,
            category: row.try_get::<_, Key>(7)?.0,
            version: row.try_get(8)?,
            created: row.try_get::<_, Moment>(9)?.0,
            updated: row.try_get::<_, Moment>(10)?.0,
            created_by: row.try_get(11)?,
            updated_by: row.try_get(12)?,
        })
    };
    read().map_err(|error: tokio_postgres::Error| internal(error))
}

/// The review beside a product; none when the product has none.
fn review(row: &tokio_postgres::Row) -> Result<Option<Review<'_>>, Fault> {
    let read = || {
        let Some(id) = row.try_get::<_, Option<Key>>(WIDTH)? else {
            return Ok(None);
        };
        Ok(Some(Review {
            id: id.0,
            author: row.try_get(WIDTH + 1)?,
            rating: row.try_get(WIDTH + 2)?,
            comment: row.try_get(WIDTH + 3)?,
            product: row.try_get::<_, Key>(WIDTH + 4)?.0,
            version: row.try_get(WIDTH + 5)?,
            created: row.try_get::<_, Moment>(WIDTH + 6)?.0,
            updated: row.try_get::<_, Moment>(WIDTH + 7)?.0,
            created_by: row.try_get(WIDTH + 8)?,
            updated_by: row.try_get(WIDTH + 9)?,
        }))
    };
    read().map_err(|error: tokio_postgres::Error| internal(error))
}

/// A `uuid`.
#[derive(Clone, Copy, Debug)]
struct Key(u128);

/// A `timestamptz` in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Moment(i64);

/// Microseconds from 1970 to 2000, where the server counts from.
const EPOCH: i64 = 946_684_800_000_000;

type Failure = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Key {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Failure> {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Key {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(u128::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }
}

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Failure> {
        out.extend_from_slice(&(self.0 - EPOCH).to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?) + EPOCH))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

fn refused(error: tokio_postgres::Error) -> Fault {
    match error.code().map(|code| code.code()) {
        Some("23505") => Fault::Taken,
        Some("23503") => Fault::Invalid("categoryId"),
        _ => internal(error),
    }
}

fn internal(error: tokio_postgres::Error) -> Fault {
    use std::error::Error as _;
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    Fault::Internal(format!("{error}: {source}"))
}
