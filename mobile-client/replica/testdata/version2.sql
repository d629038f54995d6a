-- A phone's file as the program of file version 2 left it after the history of lived (upgrade_test.go). Triggers of all tables but one are left out.
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
		digests BLOB NOT NULL, differs INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "mq_bucket" VALUES(1,'household:01900000-0000-7000-8000-0000000000b1','-',6,X'7BBBBC9EF08E81D5E770321211EE94F6',0);
INSERT INTO "mq_bucket" VALUES(2,'household:01900000-0000-7000-8000-0000000000b1','2026-11',1,X'0F731701224A28B266D3192E837062DB',0);
INSERT INTO "mq_bucket" VALUES(3,'place:town','-',1,X'89144A34CEAC91EEECACCF9914B1650C',0);
CREATE TABLE mq_buried (row TEXT PRIMARY KEY, tbl TEXT NOT NULL, scope TEXT NOT NULL, period TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "mq_buried" VALUES('01900000-0000-7000-8000-0000000000c5','thing','household:01900000-0000-7000-8000-0000000000b1','-');
CREATE TABLE mq_change (ord INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, number INTEGER NOT NULL, identity TEXT NOT NULL UNIQUE,
		first_device TEXT NOT NULL, first_number INTEGER NOT NULL, content TEXT NOT NULL, need INTEGER NOT NULL, state TEXT NOT NULL, mends TEXT NOT NULL,
		outside INTEGER NOT NULL DEFAULT 0, verdict TEXT, told INTEGER NOT NULL DEFAULT 0, absent INTEGER NOT NULL DEFAULT 0, labels TEXT,
		sealed BLOB) STRICT;
INSERT INTO "mq_change" VALUES(1,'01900000-0000-7000-8000-00000000000d',1,'c922d942c003a512f56b6dceedb71cbd','01900000-0000-7000-8000-00000000000d',1,'{"at":1700000000006,"cursor":"cursor-1","edits":[{"base":{"epoch":"0000000000000000000000000000000a","rev":1},"cells":{"newest":"sent"},"op":"update","row":"01900000-0000-7000-8000-0000000000c1","table":"thing"}],"offset":996}',0,'accepted','',0,'{"Number":1,"Identity":"c922d942c003a512f56b6dceedb71cbd","Status":"applied","Late":false,"Code":"","Message":"","Waits":"","Items":null,"Merges":null,"Labels":[{"Row":"01900000-0000-7000-8000-0000000000c1","Label":{"Epoch":"0000000000000000000000000000000a","Rev":9}}],"MendedBy":""}',1700000002000,2,'{"01900000-0000-7000-8000-0000000000c1":[{"Epoch":"0000000000000000000000000000000a","Rev":9}]}',NULL);
INSERT INTO "mq_change" VALUES(2,'01900000-0000-7000-8000-00000000000d',2,'7d16ef5bc505e51296f12917bc29f8d7','01900000-0000-7000-8000-00000000000d',2,'{"at":1700000000007,"cursor":"cursor-1","edits":[{"base":{"epoch":"0000000000000000000000000000000a","rev":1},"cells":{"newest":"over"},"op":"update","row":"01900000-0000-7000-8000-0000000000c5","table":"thing"}],"offset":996}',1,'pending','',0,NULL,0,0,NULL,NULL);
INSERT INTO "mq_change" VALUES(3,'01900000-0000-7000-8000-00000000000d',3,'616870c6d888077cb0343a493f101d0d','01900000-0000-7000-8000-00000000000d',3,'{"at":1700000000013,"cursor":"cursor-2","edits":[{"base":{"epoch":"0000000000000000000000000000000a","rev":2},"cells":{"newest":"unsent","total":{"delta":2}},"op":"update","row":"01900000-0000-7000-8000-1111110000c1","table":"thing"}],"offset":1990}',1,'pending','',0,NULL,0,0,NULL,NULL);
INSERT INTO "mq_change" VALUES(4,'01900000-0000-7000-8000-00000000000d',4,'7fe62c581cbefda1e65f6e5b015b4795','01900000-0000-7000-8000-00000000000d',4,'{"at":1700000000014,"cursor":"cursor-2","edits":[{"base":{"epoch":"0000000000000000000000000000000a","open":{"name":["4b36f42f254f75d695eb874169490c41"]},"rev":3},"op":"delete","row":"01900000-0000-7000-8000-0000000000c3","table":"thing"}],"offset":1990}',1,'pending','',0,NULL,0,0,NULL,NULL);
INSERT INTO "mq_change" VALUES(5,'01900000-0000-7000-8000-00000000000d',5,'0298ace1d0730207e769cde9e0ce92cf','01900000-0000-7000-8000-00000000000d',5,'{"at":1700000000016,"cursor":"cursor-2","edits":[{"cells":{"household":"01900000-0000-7000-8000-0000000000b1","name":"甲","newest":"new"},"op":"create","row":"018bcfe5-680f-7be5-882e-2579683432c1","table":"thing"}],"offset":1990}',1,'pending','',0,NULL,0,0,NULL,NULL);
CREATE TABLE mq_chunk (hash TEXT NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (hash, at)) STRICT;
CREATE TABLE mq_content (hash TEXT PRIMARY KEY, bytes INTEGER NOT NULL, here INTEGER NOT NULL DEFAULT 0, thumb BLOB) STRICT;
CREATE TABLE mq_edit (row TEXT NOT NULL, change INTEGER NOT NULL, tbl TEXT NOT NULL, laid INTEGER NOT NULL, settled INTEGER NOT NULL,
		away INTEGER NOT NULL DEFAULT 0, epoch INTEGER, rev INTEGER, PRIMARY KEY (row, change)) STRICT, WITHOUT ROWID;
INSERT INTO "mq_edit" VALUES('018bcfe5-680f-7be5-882e-2579683432c1',5,'thing',1,0,0,NULL,NULL);
INSERT INTO "mq_edit" VALUES('01900000-0000-7000-8000-0000000000c1',1,'thing',1,0,0,1,9);
INSERT INTO "mq_edit" VALUES('01900000-0000-7000-8000-0000000000c3',4,'thing',1,0,0,NULL,NULL);
INSERT INTO "mq_edit" VALUES('01900000-0000-7000-8000-0000000000c5',2,'thing',1,0,0,NULL,NULL);
INSERT INTO "mq_edit" VALUES('01900000-0000-7000-8000-1111110000c1',3,'thing',1,0,0,NULL,NULL);
CREATE TABLE mq_epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, gen INTEGER NOT NULL) STRICT;
INSERT INTO "mq_epoch" VALUES(1,'0000000000000000000000000000000a',0);
INSERT INTO "mq_epoch" VALUES(2,'0000000000000000000000000000000b',0);
CREATE TABLE mq_file (row TEXT PRIMARY KEY, hash TEXT NOT NULL, own INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
		gen INTEGER NOT NULL DEFAULT 0, mark INTEGER NOT NULL DEFAULT 0, path TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
		due INTEGER NOT NULL DEFAULT 0, leave INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
CREATE TABLE mq_find (row TEXT PRIMARY KEY, grp TEXT NOT NULL, ord TEXT NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_find_stale (row TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE mq_guard (awake INTEGER) STRICT;
INSERT INTO "mq_guard" VALUES(1);
CREATE TABLE mq_head (epoch TEXT PRIMARY KEY, seal TEXT NOT NULL, ord INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_lease (one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
CREATE TABLE mq_local (key TEXT PRIMARY KEY, value BLOB NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE mq_log (ord INTEGER PRIMARY KEY, at REAL NOT NULL DEFAULT (julianday()), what TEXT NOT NULL, row TEXT NOT NULL,
		old TEXT, mask INTEGER) STRICT;
INSERT INTO "mq_log" VALUES(1,2.46137368651406234138e+06,'u3:thing','01900000-0000-7000-8000-1111110000c1','["01900000-0000-7000-8000-0000000000b1","unsent",null,null,5,null,null,null,"open",null,"1111110000c1",null,null,null,null,null,null,null,null,null,null]',NULL);
INSERT INTO "mq_log" VALUES(2,2.46137368651427095749e+06,'d3:thing','01900000-0000-7000-8000-0000000000c4','["01900000-0000-7000-8000-0000000000b1","a",null,null,3,null,null,null,"open",null,"0000000000c4",null,null,null,null,null,null,null,null,null,null]',NULL);
INSERT INTO "mq_log" VALUES(3,2461373.68651456,'c3:thing','01900000-0000-7000-8000-0000000000c9',NULL,NULL);
CREATE TABLE mq_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "mq_meta" VALUES('book','3');
INSERT INTO "mq_meta" VALUES('capture','cursor-2');
INSERT INTO "mq_meta" VALUES('contact','1700000002000');
INSERT INTO "mq_meta" VALUES('cursor','cursor-2');
INSERT INTO "mq_meta" VALUES('device','01900000-0000-7000-8000-00000000000d');
INSERT INTO "mq_meta" VALUES('file','2');
INSERT INTO "mq_meta" VALUES('next','6');
INSERT INTO "mq_meta" VALUES('offset','1990');
INSERT INTO "mq_meta" VALUES('root','s:80fe227d6e200185a4811ef5f4cb6eb0');
INSERT INTO "mq_meta" VALUES('round','2');
INSERT INTO "mq_meta" VALUES('seed','AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=');
INSERT INTO "mq_meta" VALUES('seen','0');
INSERT INTO "mq_meta" VALUES('server','http://server.invalid');
INSERT INTO "mq_meta" VALUES('since','1700000000001');
INSERT INTO "mq_meta" VALUES('user','01900000-0000-7000-8000-0000000000aa');
CREATE TABLE mq_notice (ord INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, identity TEXT NOT NULL, tbl TEXT NOT NULL,
		row TEXT NOT NULL, cell TEXT NOT NULL, text TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE mq_open (row TEXT PRIMARY KEY, cells TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "mq_open" VALUES('01900000-0000-7000-8000-0000000000c3','{"name":["4b36f42f254f75d695eb874169490c41"]}');
CREATE TABLE mq_parting (row TEXT PRIMARY KEY, file BLOB NOT NULL, gen INTEGER NOT NULL, mark INTEGER NOT NULL) STRICT;
CREATE TABLE mq_row (id BLOB PRIMARY KEY, tbl INTEGER NOT NULL, bucket INTEGER NOT NULL, epoch INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000B1',5,1,1,1);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000C1',7,1,1,1);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000C3',7,1,1,3);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000C4',7,1,1,400);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000C6',7,1,2,7);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000D1',8,2,1,1);
INSERT INTO "mq_row" VALUES(X'019000000000700080000000000000E1',1,3,1,1);
INSERT INTO "mq_row" VALUES(X'019000000000700080001111110000C1',7,1,1,2);
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
INSERT INTO "mq_under" VALUES('018bcfe5-680f-7be5-882e-2579683432c1','thing',NULL);
INSERT INTO "mq_under" VALUES('01900000-0000-7000-8000-0000000000c1','thing','{"household":"01900000-0000-7000-8000-0000000000b1","newest":"a","total":3,"state":"open","name":"0000000000c1"}');
INSERT INTO "mq_under" VALUES('01900000-0000-7000-8000-0000000000c3','thing','{"household":"01900000-0000-7000-8000-0000000000b1","newest":"a","total":3,"state":"open","name":"0000000000c3"}');
INSERT INTO "mq_under" VALUES('01900000-0000-7000-8000-0000000000c5','thing',NULL);
INSERT INTO "mq_under" VALUES('01900000-0000-7000-8000-1111110000c1','thing','{"household":"01900000-0000-7000-8000-0000000000b1","newest":"a","total":3,"state":"open","name":"1111110000c1"}');
CREATE TABLE "note" (
  "id" TEXT PRIMARY KEY,
  "thing" TEXT,
  "author" TEXT,
  "text" TEXT
) STRICT;
INSERT INTO "note" VALUES('01900000-0000-7000-8000-0000000000d1','01900000-0000-7000-8000-0000000000c1','01900000-0000-7000-8000-0000000000aa','听说');
CREATE TABLE "place" (
  "id" TEXT PRIMARY KEY,
  "parent" TEXT,
  "level" TEXT,
  "name" TEXT,
  "code" TEXT,
  "lagging" INTEGER
) STRICT;
INSERT INTO "place" VALUES('01900000-0000-7000-8000-0000000000e1',NULL,'village','东村',NULL,NULL);
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
INSERT INTO "thing" VALUES('018bcfe5-680f-7be5-882e-2579683432c1','01900000-0000-7000-8000-0000000000b1','new',NULL,NULL,NULL,NULL,NULL,NULL,'open',NULL,'甲',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "thing" VALUES('01900000-0000-7000-8000-0000000000c1','01900000-0000-7000-8000-0000000000b1','sent',NULL,NULL,3,NULL,NULL,NULL,'open',NULL,'0000000000c1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "thing" VALUES('01900000-0000-7000-8000-0000000000c6','01900000-0000-7000-8000-0000000000b1','a',NULL,NULL,3,NULL,NULL,NULL,'open',NULL,'0000000000c6',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "thing" VALUES('01900000-0000-7000-8000-0000000000c9','01900000-0000-7000-8000-0000000000b1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'shell',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "thing" VALUES('01900000-0000-7000-8000-1111110000c1','01900000-0000-7000-8000-0000000000b1','shell',NULL,NULL,5,NULL,NULL,NULL,'open',NULL,'1111110000c1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "user" (
  "id" TEXT PRIMARY KEY,
  "place" TEXT,
  "login" TEXT,
  "name" TEXT,
  "post" TEXT,
  "phone" TEXT,
  "ended" TEXT
) STRICT;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('mq_bucket',3);
INSERT INTO sqlite_sequence VALUES('mq_change',5);
CREATE INDEX "ix_assignment_household" ON "assignment" ("household");
CREATE INDEX "ix_device_user" ON "device" ("user");
CREATE INDEX "ix_household_code" ON "household" ("code");
CREATE INDEX "ix_household_place" ON "household" ("place");
CREATE INDEX "ix_mark_thing" ON "mark" ("thing");
CREATE INDEX "ix_note_thing" ON "note" ("thing");
CREATE INDEX "ix_place_parent" ON "place" ("parent");
CREATE INDEX "ix_role_user" ON "role" ("user");
CREATE INDEX "ix_secret_id_number" ON "secret" ("id_number");
CREATE INDEX "ix_secret_thing" ON "secret" ("thing");
CREATE INDEX "ix_thing_household" ON "thing" ("household");
CREATE INDEX "ix_user_place" ON "user" ("place");
CREATE INDEX mq_bucket_differs ON mq_bucket (id) WHERE differs = 1;
CREATE INDEX mq_bucket_end ON mq_bucket (substr(scope, -4));
CREATE INDEX mq_change_need ON mq_change (ord) WHERE need = 1;
CREATE INDEX mq_change_pending ON mq_change (ord) WHERE state = 'pending';
CREATE INDEX mq_change_refused ON mq_change (ord) WHERE state IN ('refused', 'withdrawn');
CREATE INDEX mq_edit_change ON mq_edit (change);
CREATE INDEX mq_edit_off ON mq_edit (change) WHERE laid = 0 AND settled = 0;
CREATE INDEX mq_file_hash ON mq_file (hash);
CREATE INDEX mq_find_order ON mq_find (grp, ord, row);
CREATE TRIGGER mq_c_thing AFTER INSERT ON "thing" WHEN EXISTS (SELECT 1 FROM mq_guard) BEGIN SELECT RAISE(ABORT, 'id must be a lower-case UUID: SELECT id FROM mq_new_id gives one') WHERE NEW.id IS NULL OR NEW.id NOT GLOB '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'; INSERT INTO mq_log (what, row, old) VALUES ('c3:thing', NEW.id, NULL); END;
CREATE TRIGGER mq_d_thing AFTER DELETE ON "thing" BEGIN INSERT INTO mq_log (what, row, old) SELECT 'd3:thing', OLD.id, json_array(OLD."household", OLD."newest", OLD."high", OLD."low", OLD."total", OLD."tags", OLD."words", OLD."story", OLD."state", OLD."serial", OLD."name", OLD."stamp", OLD."lon", OLD."lat", OLD."phone", OLD."grade", OLD."begins", OLD."ends", OLD."extra", OLD."extra_count", OLD."remark") FROM mq_guard; END;
CREATE TRIGGER mq_k_thing BEFORE UPDATE OF id ON "thing" WHEN OLD.id IS NOT NEW.id AND EXISTS (SELECT 1 FROM mq_guard) BEGIN SELECT RAISE(ABORT, 'id must be a lower-case UUID: SELECT id FROM mq_new_id gives one') WHERE NEW.id IS NULL OR NEW.id NOT GLOB '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'; INSERT INTO mq_log (what, row, old) SELECT 'r3:thing', id, json_array("household", "newest", "high", "low", "total", "tags", "words", "story", "state", "serial", "name", "stamp", "lon", "lat", "phone", "grade", "begins", "ends", "extra", "extra_count", "remark") FROM "thing" WHERE id = NEW.id; INSERT INTO mq_log (what, row, old) VALUES ('d3:thing', OLD.id, json_array(OLD."household", OLD."newest", OLD."high", OLD."low", OLD."total", OLD."tags", OLD."words", OLD."story", OLD."state", OLD."serial", OLD."name", OLD."stamp", OLD."lon", OLD."lat", OLD."phone", OLD."grade", OLD."begins", OLD."ends", OLD."extra", OLD."extra_count", OLD."remark")); INSERT INTO mq_log (what, row, old) VALUES ('c3:thing', NEW.id, NULL); END;
CREATE TRIGGER mq_r_thing BEFORE INSERT ON "thing" WHEN EXISTS (SELECT 1 FROM mq_guard) AND EXISTS (SELECT 1 FROM "thing" WHERE id = NEW.id) BEGIN INSERT INTO mq_log (what, row, old) SELECT 'r3:thing', id, json_array("household", "newest", "high", "low", "total", "tags", "words", "story", "state", "serial", "name", "stamp", "lon", "lat", "phone", "grade", "begins", "ends", "extra", "extra_count", "remark") FROM "thing" WHERE id = NEW.id; END;
CREATE TRIGGER mq_u_thing AFTER UPDATE ON "thing" BEGIN INSERT INTO mq_log (what, row, old) SELECT 'u3:thing', OLD.id, json_array(OLD."household", OLD."newest", OLD."high", OLD."low", OLD."total", OLD."tags", OLD."words", OLD."story", OLD."state", OLD."serial", OLD."name", OLD."stamp", OLD."lon", OLD."lat", OLD."phone", OLD."grade", OLD."begins", OLD."ends", OLD."extra", OLD."extra_count", OLD."remark") FROM mq_guard; END;
CREATE VIEW mq_new_id AS WITH t(ms, r) AS (SELECT printf('%012x', CAST(unixepoch('subsec') * 1000 AS INTEGER)), lower(hex(randomblob(10))))
		SELECT substr(ms, 1, 8) || '-' || substr(ms, 9) || '-7' || substr(r, 1, 3) || '-' || substr('89ab', 1 + (unicode(substr(r, 4, 1)) & 3), 1) ||
		substr(r, 5, 3) || '-' || substr(r, 8, 12) AS id FROM t;
COMMIT;
