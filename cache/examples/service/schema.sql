-- A shop of 3,000 products and 9,000 reviews, made up by arithmetic: whoever starts from nothing has the same one.

CREATE TABLE IF NOT EXISTS products (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    category    TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    stock       INTEGER NOT NULL CHECK (stock >= 0)
);

-- Without an index: the page of a product has to look at all of them.
CREATE TABLE IF NOT EXISTS reviews (
    product INTEGER NOT NULL REFERENCES products (id),
    stars   INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5)
);

CREATE TABLE IF NOT EXISTS orders (
    id       INTEGER PRIMARY KEY,
    product  INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0)
);

-- One row, the last report, with the token of the lock under which it was made.
CREATE TABLE IF NOT EXISTS report (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    day   TEXT NOT NULL,
    token INTEGER NOT NULL,
    body  TEXT NOT NULL
);

-- Tags that have to be flushed because of what is committed, until they have been.
CREATE TABLE IF NOT EXISTS outbox (
    id  INTEGER PRIMARY KEY AUTOINCREMENT,
    tag TEXT NOT NULL
);

INSERT INTO products
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3000)
SELECT
    n,
    json_extract('["Sturdy","Silent","Folding","Little","Golden","Plain"]', '$[' || (n * 7 % 6) || ']') || ' '
        || json_extract('["lamp","spade","kettle","chair","rope"]', '$[' || (n * 11 % 5) || ']') || ' no. ' || n,
    json_extract('["garden","kitchen","office","workshop"]', '$[' || (n % 4) || ']'),
    100 + n * 7919 % 9900,
    n * 31 % 50
FROM number
WHERE NOT EXISTS (SELECT 1 FROM products);

INSERT INTO reviews
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 9000)
SELECT 1 + n * (n + 1) / 2 % 3000, 1 + n * 37 % 11 % 5
FROM number
WHERE NOT EXISTS (SELECT 1 FROM reviews);
