-- A phone's file as the program of file version 1 left it: a row with an accepted edit whose row has not come, an edit not sent yet, three
-- captured writes that no seal has taken. Triggers of all tables but one are left out.
BEGIN TRANSACTION;
CREATE TABLE "assignment" (
  "id" TEXT PRIMARY KEY,
  "household" TEXT,
  "user" TEXT,
  "team" TEXT,
  "since" TEXT,
  "until" TEXT
) STRICT;
CREATE TABLE "device" (
  "id" TEXT PRIMARY KEY,
  "user" TEXT,
  "label" TEXT,
  "platform" TEXT,
  "key" TEXT,
  "revoked" INTEGER
) STRICT;
CREATE TABLE "household" (
  "id" TEXT PRIMARY KEY,
  "place" TEXT,
  "code" TEXT,
  "head" TEXT,
  "address" TEXT,
  "phone" TEXT,
  "lon" INTEGER,
  "lat" INTEGER,
  "tags" TEXT,
  "low_income" TEXT,
  "note" TEXT
) STRICT;
INSERT INTO "household" VALUES('01900000-0000-7000-8000-0000000000b1','01900000-0000-7000-8000-0000000000e1','H1','王','东街 1 号',NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "mark" (
  "id" TEXT PRIMARY KEY,
  "thing" TEXT,
  "points" INTEGER,
  "label" TEXT
) STRICT;
CREATE TABLE mq_bucket (id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, period TEXT NOT NULL, rows INTEGER NOT NULL,
		digests TEXT NOT NULL, differs INTEGER NOT NULL DEFAULT 0, UNIQUE (scope, period)) STRICT;
INSERT INTO "mq_bucket" VALUES(1,'household:01900000-0000-7000-8000-0000000000b1','-',3,'s:ca176c076386c791c607d0169b40aa1c',0);
CREATE TABLE mq_buried (row TEXT PRIMARY KEY, tbl TEXT NOT NULL, scope TEXT NOT NULL, period TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_change (ord INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, number INTEGER NOT NULL, identity TEXT NOT NULL UNIQUE,
		first_device TEXT NOT NULL, first_number INTEGER NOT NULL, content TEXT NOT NULL, need INTEGER NOT NULL, state TEXT NOT NULL, mends TEXT NOT NULL,
		outside INTEGER NOT NULL DEFAULT 0, verdict TEXT, told INTEGER NOT NULL DEFAULT 0, absent INTEGER NOT NULL DEFAULT 0, labels TEXT,
		sealed BLOB) STRICT;
INSERT INTO "mq_change" VALUES(1,'01900000-0000-7000-8000-00000000000d',1,'4b36f42f254f75d695eb874169490c41','01900000-0000-7000-8000-00000000000d',1,'{"at":1700000000006,"cursor":"cursor-1","edits":[{"base":{"epoch":"0000000000000000000000000000000a","rev":1},"cells":{"grade":"b","total":{"delta":2}},"op":"update","row":"01900000-0000-7000-8000-0000000000c1","table":"thing"}],"offset":996}',0,'accepted','',0,'{"Number":1,"Identity":"4b36f42f254f75d695eb874169490c41","Status":"applied","Late":false,"Code":"","Message":"","Waits":"","Items":null,"Merges":null,"Labels":[{"Row":"01900000-0000-7000-8000-0000000000c1","Label":{"Epoch":"0000000000000000000000000000000a","Rev":2}}],"MendedBy":""}',1700000003000,3,'{"01900000-0000-7000-8000-0000000000c1":[{"Epoch":"0000000000000000000000000000000a","Rev":2}]}',NULL);
INSERT INTO "mq_change" VALUES(2,'01900000-0000-7000-8000-00000000000d',2,'229aa011cbadb7a4116f1ffb766b85ca','01900000-0000-7000-8000-00000000000d',2,'{"at":1700000000016,"cursor":"cursor-2","edits":[{"cells":{"household":"01900000-0000-7000-8000-0000000000b1","name":"甲","newest":"own"},"op":"create","row":"018bcfe5-680f-72c1-bfc5-25454add0cd8","table":"thing"}],"offset":2987}',1,'pending','',0,NULL,0,0,NULL,NULL);
CREATE TABLE mq_chunk (hash TEXT NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (hash, at)) STRICT;
CREATE TABLE mq_content (hash TEXT PRIMARY KEY, bytes INTEGER NOT NULL, here INTEGER NOT NULL DEFAULT 0, thumb BLOB) STRICT;
CREATE TABLE mq_edit (row TEXT NOT NULL, change INTEGER NOT NULL, tbl TEXT NOT NULL, laid INTEGER NOT NULL, settled INTEGER NOT NULL,
		away INTEGER NOT NULL DEFAULT 0, epoch INTEGER, rev INTEGER, PRIMARY KEY (row, change)) STRICT, WITHOUT ROWID;
INSERT INTO "mq_edit" VALUES('018bcfe5-680f-72c1-bfc5-25454add0cd8',2,'thing',1,0,0,NULL,NULL);
INSERT INTO "mq_edit" VALUES('01900000-0000-7000-8000-0000000000c1',1,'thing',1,0,0,1,2);
CREATE TABLE mq_epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, gen INTEGER NOT NULL) STRICT;
INSERT INTO "mq_epoch" VALUES(1,'0000000000000000000000000000000a',0);
CREATE TABLE mq_file (row TEXT PRIMARY KEY, hash TEXT NOT NULL, own INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
		gen INTEGER NOT NULL DEFAULT 0, mark INTEGER NOT NULL DEFAULT 0, path TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
		due INTEGER NOT NULL DEFAULT 0, leave INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
CREATE TABLE mq_find (row TEXT PRIMARY KEY, grp TEXT NOT NULL, ord TEXT NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_find_stale (row TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE mq_guard (quiet INTEGER) STRICT;
CREATE TABLE mq_head (epoch TEXT PRIMARY KEY, seal TEXT NOT NULL, ord INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_lease (one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
CREATE TABLE mq_local (key TEXT PRIMARY KEY, value BLOB NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "mq_local" VALUES('draft',X'7479706564',1700000000017);
CREATE TABLE mq_log (ord INTEGER PRIMARY KEY, at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
		book INTEGER NOT NULL, tbl TEXT NOT NULL, row TEXT NOT NULL, op TEXT NOT NULL, mask INTEGER, old TEXT) STRICT;
INSERT INTO "mq_log" VALUES(1,1795902099727,3,'thing','01900000-0000-7000-8000-0000000000c1','u',18,'[null,"a",null,null,12,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null]');
INSERT INTO "mq_log" VALUES(2,1795902099747,3,'thing','01900000-0000-7000-8000-0000000000c1','u',2,'[null,"shell",null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null]');
INSERT INTO "mq_log" VALUES(3,1795902099757,3,'thing','01900000-0000-7000-8000-0000000000c2','u',1024,'[null,null,null,null,null,null,null,null,null,null,"塘",null,null,null,null,null,null,null,null,null,null]');
CREATE TABLE mq_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "mq_meta" VALUES('book','3');
INSERT INTO "mq_meta" VALUES('capture','cursor-2');
INSERT INTO "mq_meta" VALUES('contact','1700000003000');
INSERT INTO "mq_meta" VALUES('cursor','cursor-2');
INSERT INTO "mq_meta" VALUES('device','01900000-0000-7000-8000-00000000000d');
INSERT INTO "mq_meta" VALUES('file','1');
INSERT INTO "mq_meta" VALUES('next','3');
INSERT INTO "mq_meta" VALUES('offset','2987');
INSERT INTO "mq_meta" VALUES('root','s:af3428d464917cd4659895557c22c12f');
INSERT INTO "mq_meta" VALUES('round','3');
INSERT INTO "mq_meta" VALUES('seed','AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=');
INSERT INTO "mq_meta" VALUES('seen','0');
INSERT INTO "mq_meta" VALUES('server','http://server.invalid');
INSERT INTO "mq_meta" VALUES('since','1700000000001');
INSERT INTO "mq_meta" VALUES('user','01900000-0000-7000-8000-0000000000aa');
CREATE TABLE mq_notice (ord INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, identity TEXT NOT NULL, tbl TEXT NOT NULL,
		row TEXT NOT NULL, cell TEXT NOT NULL, text TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE mq_open (row TEXT PRIMARY KEY, cells TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_parting (row TEXT PRIMARY KEY, file BLOB NOT NULL, gen INTEGER NOT NULL, mark INTEGER NOT NULL) STRICT;
CREATE TABLE mq_row (id BLOB PRIMARY KEY, tbl INTEGER NOT NULL, bucket INTEGER NOT NULL, epoch INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000B1',5,1,1,1);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000C1',7,1,1,1);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000C2',7,1,1,3);
CREATE TABLE mq_stage (ord INTEGER PRIMARY KEY, answer INTEGER NOT NULL, whole INTEGER NOT NULL, frames BLOB NOT NULL) STRICT;
CREATE TABLE mq_table (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO "mq_table" VALUES(1,'place');
INSERT INTO "mq_table" VALUES(2,'user');
INSERT INTO "mq_table" VALUES(3,'role');
INSERT INTO "mq_table" VALUES(4,'device');
INSERT INTO "mq_table" VALUES(5,'household');
INSERT INTO "mq_table" VALUES(6,'assignment');
INSERT INTO "mq_table" VALUES(7,'thing');
INSERT INTO "mq_table" VALUES(8,'note');
INSERT INTO "mq_table" VALUES(9,'secret');
INSERT INTO "mq_table" VALUES(10,'mark');
CREATE TABLE mq_testimony (row TEXT PRIMARY KEY, scope TEXT NOT NULL, epoch TEXT NOT NULL, rev INTEGER NOT NULL, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_under (row TEXT PRIMARY KEY, tbl TEXT NOT NULL, vals TEXT) STRICT, WITHOUT ROWID;
INSERT INTO "mq_under" VALUES('018bcfe5-680f-72c1-bfc5-25454add0cd8','thing',NULL);
INSERT INTO "mq_under" VALUES('01900000-0000-7000-8000-0000000000c1','thing','{"household":"01900000-0000-7000-8000-0000000000b1","newest":"a","total":10,"state":"open","name":"井","grade":"a"}');
CREATE TABLE "note" (
  "id" TEXT PRIMARY KEY,
  "thing" TEXT,
  "author" TEXT,
  "text" TEXT
) STRICT;
CREATE TABLE "place" (
  "id" TEXT PRIMARY KEY,
  "parent" TEXT,
  "level" TEXT,
  "name" TEXT,
  "code" TEXT,
  "lagging" INTEGER
) STRICT;
CREATE TABLE "role" (
  "id" TEXT PRIMARY KEY,
  "user" TEXT,
  "role" TEXT,
  "place" TEXT,
  "until" TEXT
) STRICT;
CREATE TABLE "secret" (
  "id" TEXT PRIMARY KEY,
  "thing" TEXT,
  "id_number" TEXT
) STRICT;
CREATE TABLE "thing" (
  "id" TEXT PRIMARY KEY,
  "household" TEXT,
  "newest" TEXT,
  "high" INTEGER,
  "low" TEXT,
  "total" INTEGER,
  "tags" TEXT,
  "words" TEXT,
  "story" TEXT,
  "state" TEXT,
  "serial" TEXT,
  "name" TEXT,
  "stamp" INTEGER,
  "lon" INTEGER,
  "lat" INTEGER,
  "phone" TEXT,
  "grade" TEXT,
  "begins" TEXT,
  "ends" TEXT,
  "extra" TEXT,
  "extra_count" INTEGER,
  "remark" TEXT
) STRICT;
INSERT INTO "thing" VALUES('01900000-0000-7000-8000-0000000000c1','01900000-0000-7000-8000-0000000000b1','shell again',NULL,NULL,17,NULL,NULL,NULL,'open',NULL,'井',NULL,NULL,NULL,NULL,'b',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "thing" VALUES('01900000-0000-7000-8000-0000000000c2','01900000-0000-7000-8000-0000000000b1',NULL,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,'埂',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "thing" VALUES('018bcfe5-680f-72c1-bfc5-25454add0cd8','01900000-0000-7000-8000-0000000000b1','own',NULL,NULL,NULL,NULL,NULL,NULL,'open',NULL,'甲',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "user" (
  "id" TEXT PRIMARY KEY,
  "place" TEXT,
  "login" TEXT,
  "name" TEXT,
  "post" TEXT,
  "phone" TEXT,
  "ended" TEXT
) STRICT;
CREATE INDEX mq_bucket_differs ON mq_bucket (id) WHERE differs = 1;
CREATE INDEX mq_change_need ON mq_change (ord) WHERE need = 1;
CREATE INDEX mq_change_pending ON mq_change (ord) WHERE state = 'pending';
CREATE INDEX mq_change_refused ON mq_change (ord) WHERE state IN ('refused', 'withdrawn');
CREATE INDEX mq_edit_change ON mq_edit (change);
CREATE INDEX mq_edit_off ON mq_edit (change) WHERE laid = 0 AND settled = 0;
CREATE INDEX mq_find_order ON mq_find (grp, ord, row);
CREATE INDEX mq_file_hash ON mq_file (hash);
CREATE VIEW mq_new_id AS WITH t(ms, r) AS (SELECT printf('%012x', CAST(unixepoch('subsec') * 1000 AS INTEGER)), lower(hex(randomblob(10))))
		SELECT substr(ms, 1, 8) || '-' || substr(ms, 9) || '-7' || substr(r, 1, 3) || '-' || substr('89ab', 1 + (unicode(substr(r, 4, 1)) & 3), 1) ||
		substr(r, 5, 3) || '-' || substr(r, 8, 12) AS id FROM t;
CREATE INDEX "ix_place_parent" ON "place" ("parent");
CREATE INDEX "ix_user_place" ON "user" ("place");
CREATE INDEX "ix_role_user" ON "role" ("user");
CREATE INDEX "ix_device_user" ON "device" ("user");
CREATE INDEX "ix_household_place" ON "household" ("place");
CREATE INDEX "ix_household_code" ON "household" ("code");
CREATE INDEX "ix_assignment_household" ON "assignment" ("household");
CREATE INDEX "ix_thing_household" ON "thing" ("household");
CREATE INDEX "ix_note_thing" ON "note" ("thing");
CREATE INDEX "ix_secret_thing" ON "secret" ("thing");
CREATE INDEX "ix_secret_id_number" ON "secret" ("id_number");
CREATE INDEX "ix_mark_thing" ON "mark" ("thing");
CREATE TRIGGER mq_c_thing AFTER INSERT ON "thing" WHEN NOT EXISTS (SELECT 1 FROM mq_guard) BEGIN SELECT RAISE(ABORT, 'id must be a lower-case UUID: SELECT id FROM mq_new_id gives one') WHERE NEW.id IS NULL OR NEW.id NOT GLOB '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'; INSERT INTO mq_log (book, tbl, row, op, mask, old) VALUES (3, 'thing', NEW.id, 'c', NULL, NULL); END;
CREATE TRIGGER mq_d_thing AFTER DELETE ON "thing" WHEN NOT EXISTS (SELECT 1 FROM mq_guard) BEGIN INSERT INTO mq_log (book, tbl, row, op, mask, old) VALUES (3, 'thing', OLD.id, 'd', NULL, json_array(OLD."household", OLD."newest", OLD."high", OLD."low", OLD."total", OLD."tags", OLD."words", OLD."story", OLD."state", OLD."serial", OLD."name", OLD."stamp", OLD."lon", OLD."lat", OLD."phone", OLD."grade", OLD."begins", OLD."ends", OLD."extra", OLD."extra_count", OLD."remark")); END;
CREATE TRIGGER mq_k_thing BEFORE UPDATE OF id ON "thing" WHEN OLD.id IS NOT NEW.id AND NOT EXISTS (SELECT 1 FROM mq_guard) BEGIN SELECT RAISE(ABORT, 'id must be a lower-case UUID: SELECT id FROM mq_new_id gives one') WHERE NEW.id IS NULL OR NEW.id NOT GLOB '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'; INSERT INTO mq_log (book, tbl, row, op, mask, old) SELECT 3, 'thing', id, 'r', NULL, json_array("household", "newest", "high", "low", "total", "tags", "words", "story", "state", "serial", "name", "stamp", "lon", "lat", "phone", "grade", "begins", "ends", "extra", "extra_count", "remark") FROM "thing" WHERE id = NEW.id; INSERT INTO mq_log (book, tbl, row, op, mask, old) VALUES (3, 'thing', OLD.id, 'd', NULL, json_array(OLD."household", OLD."newest", OLD."high", OLD."low", OLD."total", OLD."tags", OLD."words", OLD."story", OLD."state", OLD."serial", OLD."name", OLD."stamp", OLD."lon", OLD."lat", OLD."phone", OLD."grade", OLD."begins", OLD."ends", OLD."extra", OLD."extra_count", OLD."remark")); INSERT INTO mq_log (book, tbl, row, op, mask, old) VALUES (3, 'thing', NEW.id, 'c', NULL, NULL); END;
CREATE TRIGGER mq_r_thing BEFORE INSERT ON "thing" WHEN NOT EXISTS (SELECT 1 FROM mq_guard) AND EXISTS (SELECT 1 FROM "thing" WHERE id = NEW.id) BEGIN INSERT INTO mq_log (book, tbl, row, op, mask, old) SELECT 3, 'thing', id, 'r', NULL, json_array("household", "newest", "high", "low", "total", "tags", "words", "story", "state", "serial", "name", "stamp", "lon", "lat", "phone", "grade", "begins", "ends", "extra", "extra_count", "remark") FROM "thing" WHERE id = NEW.id; END;
CREATE TRIGGER mq_u_thing AFTER UPDATE ON "thing" WHEN OLD.id IS NEW.id AND NOT EXISTS (SELECT 1 FROM mq_guard) BEGIN INSERT INTO mq_log (book, tbl, row, op, mask, old) SELECT 3, 'thing', OLD.id, 'u', m, json_array(CASE WHEN OLD."household" IS NOT NEW."household" THEN OLD."household" END, CASE WHEN OLD."newest" IS NOT NEW."newest" THEN OLD."newest" END, CASE WHEN OLD."high" IS NOT NEW."high" THEN OLD."high" END, CASE WHEN OLD."low" IS NOT NEW."low" THEN OLD."low" END, CASE WHEN OLD."total" IS NOT NEW."total" THEN OLD."total" END, CASE WHEN OLD."tags" IS NOT NEW."tags" THEN OLD."tags" END, CASE WHEN OLD."words" IS NOT NEW."words" THEN OLD."words" END, CASE WHEN OLD."story" IS NOT NEW."story" THEN OLD."story" END, CASE WHEN OLD."state" IS NOT NEW."state" THEN OLD."state" END, CASE WHEN OLD."serial" IS NOT NEW."serial" THEN OLD."serial" END, CASE WHEN OLD."name" IS NOT NEW."name" THEN OLD."name" END, CASE WHEN OLD."stamp" IS NOT NEW."stamp" THEN OLD."stamp" END, CASE WHEN OLD."lon" IS NOT NEW."lon" THEN OLD."lon" END, CASE WHEN OLD."lat" IS NOT NEW."lat" THEN OLD."lat" END, CASE WHEN OLD."phone" IS NOT NEW."phone" THEN OLD."phone" END, CASE WHEN OLD."grade" IS NOT NEW."grade" THEN OLD."grade" END, CASE WHEN OLD."begins" IS NOT NEW."begins" THEN OLD."begins" END, CASE WHEN OLD."ends" IS NOT NEW."ends" THEN OLD."ends" END, CASE WHEN OLD."extra" IS NOT NEW."extra" THEN OLD."extra" END, CASE WHEN OLD."extra_count" IS NOT NEW."extra_count" THEN OLD."extra_count" END, CASE WHEN OLD."remark" IS NOT NEW."remark" THEN OLD."remark" END) FROM (SELECT ((OLD."household" IS NOT NEW."household") << 0) | ((OLD."newest" IS NOT NEW."newest") << 1) | ((OLD."high" IS NOT NEW."high") << 2) | ((OLD."low" IS NOT NEW."low") << 3) | ((OLD."total" IS NOT NEW."total") << 4) | ((OLD."tags" IS NOT NEW."tags") << 5) | ((OLD."words" IS NOT NEW."words") << 6) | ((OLD."story" IS NOT NEW."story") << 7) | ((OLD."state" IS NOT NEW."state") << 8) | ((OLD."serial" IS NOT NEW."serial") << 9) | ((OLD."name" IS NOT NEW."name") << 10) | ((OLD."stamp" IS NOT NEW."stamp") << 11) | ((OLD."lon" IS NOT NEW."lon") << 12) | ((OLD."lat" IS NOT NEW."lat") << 13) | ((OLD."phone" IS NOT NEW."phone") << 14) | ((OLD."grade" IS NOT NEW."grade") << 15) | ((OLD."begins" IS NOT NEW."begins") << 16) | ((OLD."ends" IS NOT NEW."ends") << 17) | ((OLD."extra" IS NOT NEW."extra") << 18) | ((OLD."extra_count" IS NOT NEW."extra_count") << 19) | ((OLD."remark" IS NOT NEW."remark") << 20) AS m) WHERE m <> 0; END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('mq_bucket',1);
INSERT INTO "sqlite_sequence" VALUES('mq_change',2);
COMMIT;
