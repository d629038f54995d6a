package field

import "minqing/mobile-client/replica"

// Sizes are counts about the file, none of them about a person: what can be told to whoever looks after the phones.
type Sizes struct {
	Rows     []Count // by table
	Changes  []Count // by state
	Notices  []Count // by kind
	Contents []Count // of pictures: all, unsent, with tries that came to nothing
	Drafts   int
	Buckets  int
	Bytes    int64 // of the file
	Free     int64 // of these, in free pages
}

// Count is how many there are of something that the program has a name for.
type Count struct {
	Name string
	N    int
}

// SizesOf counts.
func SizesOf(v *replica.View) (s Sizes, err error) {
	for _, q := range []struct {
		text string
		to   *[]Count
	}{
		{`SELECT 'household', count(*) FROM household UNION ALL SELECT 'resident', count(*) FROM resident UNION ALL SELECT 'visit', count(*) FROM visit UNION ALL
			SELECT 'journal', count(*) FROM journal UNION ALL SELECT 'review', count(*) FROM review UNION ALL SELECT 'matter', count(*) FROM matter UNION ALL
			SELECT 'matter_step', count(*) FROM matter_step UNION ALL SELECT 'attachment', count(*) FROM attachment UNION ALL SELECT 'assignment', count(*) FROM assignment`, &s.Rows},
		{`SELECT state, count(*) FROM mq_change GROUP BY state ORDER BY state`, &s.Changes},
		{`SELECT kind, count(*) FROM mq_notice GROUP BY kind ORDER BY kind`, &s.Notices},
		{`SELECT 'all', count(*) FROM mq_file UNION ALL SELECT 'unsent', count(*) FROM mq_file WHERE own = 1 AND sent = 0 UNION ALL SELECT 'tried', count(*) FROM mq_file WHERE tries > 0`, &s.Contents},
	} {
		var c Count
		if err := v.Each(q.text, nil, []any{&c.Name, &c.N}, func() error {
			*q.to = append(*q.to, c)
			return nil
		}); err != nil {
			return s, err
		}
	}
	if _, err := v.One(`SELECT (SELECT count(*) FROM mq_local WHERE key >= 'draft/' AND key < 'draft0' AND key NOT GLOB 'draft/photo/*'), (SELECT count(*) FROM mq_bucket)`, nil, &s.Drafts, &s.Buckets); err != nil {
		return s, err
	}
	_, err = v.One(`SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size), (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size)`,
		nil, &s.Bytes, &s.Free)
	return s, err
}
