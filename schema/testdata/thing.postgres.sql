CREATE TABLE "thing" (
  "id" TEXT COLLATE "C" PRIMARY KEY,
  "household" TEXT COLLATE "C",
  "newest" TEXT COLLATE "C",
  "high" BIGINT,
  "low" TEXT COLLATE "C",
  "total" BIGINT,
  "tags" TEXT COLLATE "C",
  "words" TEXT COLLATE "C",
  "story" TEXT COLLATE "C",
  "state" TEXT COLLATE "C",
  "serial" TEXT COLLATE "C",
  "name" TEXT COLLATE "C",
  "stamp" BIGINT,
  "lon" BIGINT,
  "lat" BIGINT,
  "phone" TEXT COLLATE "C",
  "grade" TEXT COLLATE "C",
  "begins" TEXT COLLATE "C",
  "ends" TEXT COLLATE "C",
  "extra" TEXT COLLATE "C",
  "extra_count" BIGINT,
  "remark" TEXT COLLATE "C"
);

CREATE INDEX "ix_thing_household" ON "thing" ("household");

INSERT INTO "thing" ("id", "household", "newest", "high", "low", "total", "tags", "words", "story", "state", "serial", "name", "stamp", "lon", "lat", "phone", "grade", "begins", "ends", "extra", "extra_count", "remark") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22), ($23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44) ON CONFLICT ("id") DO UPDATE SET "household" = excluded."household", "newest" = excluded."newest", "high" = excluded."high", "low" = excluded."low", "total" = excluded."total", "tags" = excluded."tags", "words" = excluded."words", "story" = excluded."story", "state" = excluded."state", "serial" = excluded."serial", "name" = excluded."name", "stamp" = excluded."stamp", "lon" = excluded."lon", "lat" = excluded."lat", "phone" = excluded."phone", "grade" = excluded."grade", "begins" = excluded."begins", "ends" = excluded."ends", "extra" = excluded."extra", "extra_count" = excluded."extra_count", "remark" = excluded."remark";

UPDATE "thing" SET "name" = $1, "total" = $2 WHERE "id" = $3;

SELECT "id", "household", "newest", "high", "low", "total", "tags", "words", "story", "state", "serial", "name", "stamp", "lon", "lat", "phone", "grade", "begins", "ends", "extra", "extra_count", "remark" FROM "thing" WHERE "household" = ANY($1::text[]);

DELETE FROM "thing" WHERE "id" = ANY($1::text[]);

SELECT "id", "household", "newest", "high", "low", "total", "tags", "words", "story", "state", "serial", "name", "stamp", "lon", "lat", "phone", "grade", "begins", "ends", "extra", "extra_count", "remark" FROM "thing" WHERE "id" > $1 ORDER BY "id" LIMIT $2;

ALTER TABLE "thing" ADD COLUMN "extra" TEXT COLLATE "C";

ALTER TABLE "thing" ADD COLUMN "extra_count" BIGINT;

ALTER TABLE "thing" ADD COLUMN "remark" TEXT COLLATE "C";

CREATE TABLE "mark" (
  "id" TEXT COLLATE "C" PRIMARY KEY,
  "thing" TEXT COLLATE "C",
  "points" BIGINT,
  "label" TEXT COLLATE "C"
);

CREATE INDEX "ix_mark_thing" ON "mark" ("thing");
