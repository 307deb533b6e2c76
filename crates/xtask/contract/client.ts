// A client of the shop whose types are generated from the document the server sends. It compiles
// only if the document says what it uses, and ends well only if the server keeps to it.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Product = components["schemas"]["Products"];

declare const process: { argv: string[] };

const baseUrl = process.argv[2];
if (baseUrl === undefined) throw new Error("the address of the server is missing");
const client = createClient<paths>({
  baseUrl,
  querySerializer: { array: { style: "form", explode: false } },
});

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`expected: ${what}`);
}

const category = await client.POST("/api/v1/categories", {
  body: { name: `Typed things ${Date.now()}` },
});
expect(category.response.status === 201, "a category is created");
const categoryId = category.data?.data.id;
expect(categoryId !== undefined, "with an id");

const made = await client.POST("/api/v1/products", {
  body: { name: "Typed pen", sku: "TYPED-1", price: "2.50", status: "published", categoryId },
});
expect(made.response.status === 201, "a product is created");
const product: Product | undefined = made.data?.data;
expect(product !== undefined && product.name === "Typed pen", "the product comes back");
expect(product.price === "2.50", "decimals are texts");
const id = product.id;
const first = made.response.headers.get("etag");
expect(first === '"1"', "its version is its entity tag");
expect(made.response.headers.get("location") === `/api/v1/products/${id}`, "its address");

const record = { params: { path: { id }, header: { "If-Match": first } } };
const changed = await client.PATCH("/api/v1/products/{id}", { ...record, body: { price: "3.75" } });
expect(changed.response.status === 200, "it is changed from its version");
expect(changed.data?.data.price === "3.75", "the new price");

const stale = await client.PATCH("/api/v1/products/{id}", { ...record, body: { price: "9.99" } });
expect(stale.response.status === 412, "a stale version is refused");
expect(stale.error !== undefined && "error" in stale.error, "with a body");
expect(stale.error.error.code === "PRECONDITION_FAILED", "and its code");

const rejected = await client.POST("/api/v1/products", { body: { name: "", sku: "TYPED-2", price: "1.00", categoryId } });
expect(rejected.response.status === 400, "an empty name is refused");
expect(rejected.error !== undefined && "error" in rejected.error, "with a body");
expect(rejected.error.error.details.some((detail) => detail.field === "name"), "and its place");

const list = await client.GET("/api/v1/products", {
  params: {
    query: {
      filter: { name: { eq: "Typed pen" } },
      fields: ["name", "price"],
      sort: ["-price"],
      limit: 5,
    },
  },
  querySerializer: () =>
    "filter[name][eq]=Typed%20pen&fields=name,price&sort=-price&limit=5&count=exact",
});
expect(list.response.status === 200, "a filtered list");
type Listed = NonNullable<typeof list.data>;
type Page = Extract<Listed, { success: true }>;
const isPage = (answer: Listed): answer is Page => "pagination" in answer;
const page = list.data;
expect(page !== undefined && isPage(page), "a page, not lines");
expect(page.pagination.total === 1 && page.data.length === 1, "one product of that name");
expect(page.data[0]?.id === id && page.data[0].status === undefined, "with its fields alone");

const read = await client.GET("/api/v1/products/{id}", {
  params: { path: { id }, query: { include: ["category"] } },
});
expect(read.response.status === 200 && read.data?.data.category?.id === categoryId, "it comes with its category");

const gone = await client.DELETE("/api/v1/products/{id}", { params: { path: { id } } });
expect(gone.response.status === 200 && gone.data?.success === true, "it is deleted");
const missing = await client.GET("/api/v1/products/{id}", { params: { path: { id } } });
expect(missing.response.status === 404, "and not there any more");
console.log("the generated client and the server agree");
