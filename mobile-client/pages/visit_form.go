package pages

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"minqing/mobile-client/photos"
	"minqing/schema"
	"minqing/syncproto"
)

// What a visit's form says beside rows of the register.
const (
	metOther   = "other"
	metNobody  = "nobody"
	nextDate   = "date"
	howVillage = "village"
	howUrgent  = "urgent"
	howSpot    = "spot"
)

// photoBody bounds a form that carries pictures from a camera.
const photoBody = 40 << 20

// mostPhotos and mostHomes bound what one visit carries.
const (
	mostPhotos = 9
	mostHomes  = 100
)

// posted reads a form of the app whose files are pictures. They are prepared as they arrive: no temporary file is written.
func (rq *request) pictures() (url.Values, []*photos.Photo, error) {
	parts, err := rq.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		err := rq.ParseForm()
		return rq.PostForm, nil, err
	}
	if err != nil {
		return nil, nil, damagedForm(err)
	}
	values := url.Values{}
	var taken []*photos.Photo
	for left := int64(maxBody); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return values, taken, nil
		}
		if err != nil {
			return values, taken, damagedForm(err)
		}
		if part.FileName() != "" {
			p, err := photos.Prepare(part)
			if err != nil {
				return values, taken, err
			}
			taken = append(taken, p)
			continue
		}
		text, err := readField(part, left)
		if err != nil {
			return values, taken, err
		}
		left -= int64(len(text))
		if part.FormName() != "photo" { // a chooser left empty
			values.Add(part.FormName(), text)
		}
	}
}

func readField(part *multipart.Part, most int64) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(part, most+1))
	if err != nil {
		return "", damagedForm(err)
	}
	if int64(len(raw)) > most {
		return "", &http.MaxBytesError{Limit: maxBody}
	}
	return string(raw), nil
}

func damagedForm(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return big
	}
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "form", Message: catalogue["form.damaged"].Both(), Err: err}
}

// readVisit makes a draft of what a form says.
func (rq *request) readVisit(home syncproto.RowID, f url.Values) (*visitDraft, error) {
	rev, err := strconv.Atoi(f.Get("rev"))
	if err != nil || !isToken(f.Get("draft")) || !isToken(f.Get("tab")) {
		return nil, damagedForm(err)
	}
	d := &visitDraft{ID: f.Get("draft"), Home: home, Page: f.Get("tab"), Rev: rev, Day: f.Get("day"), Tasks: filled(f["tasks"]), Met: filled(f["met"]),
		Text: strings.ReplaceAll(f.Get("text"), "\r\n", "\n"), Matter: f.Get("matter") != "", Kind: f.Get("kind"), What: f.Get("title"), How: f.Get("how"),
		Next: f.Get("next"), NextDay: f.Get("next_day")}
	for _, hash := range filled(f["photos"]) {
		if len(d.Photos) < mostPhotos && !slices.Contains(d.Photos, hash) {
			d.Photos = append(d.Photos, hash)
		}
	}
	for _, id := range filled(f["homes"]) {
		if len(d.Homes) < mostHomes && schema.ValidID(id) && id != string(home) && !slices.Contains(d.Homes, id) {
			d.Homes = append(d.Homes, id)
		}
	}
	if of := f.Get("of"); schema.ValidID(of) && of != string(home) {
		d.Of, d.Homes, d.Text, d.Tasks = syncproto.RowID(of), nil, "", nil
	}
	if slices.Contains(d.Met, metNobody) {
		d.Met = []string{metNobody}
	}
	if d.Day == "" {
		d.Day = rq.today()
	}
	return d, nil
}

func isToken(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == ""
}

func filled(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// promised is the day of the next visit, "" for none.
func (d *visitDraft) promised() string {
	if d.Next == nextDate {
		return d.NextDay
	}
	days, err := strconv.Atoi(d.Next)
	day, wrong := time.Parse(time.DateOnly, d.Day)
	if err != nil || wrong != nil || days <= 0 || days > 366 {
		return ""
	}
	return day.AddDate(0, 0, days).Format(time.DateOnly)
}

// check tells what has to be mended before a visit can be saved, by field.
func (d *visitDraft) check(rq *request) map[string]string {
	l, bad := rq.words, map[string]string{}
	if day, err := time.Parse(time.DateOnly, d.Day); err != nil {
		bad["day"] = l.say("visit.day.bad")
	} else if day.Format(time.DateOnly) > rq.today() {
		bad["day"] = l.say("visit.day.future")
	}
	book := rq.replica.Book()
	if d.Of == "" && strings.TrimSpace(d.Text) == "" && len(d.Met) == 0 && !d.Matter && len(d.Photos) == 0 {
		bad["text"] = l.say("visit.nothing")
	} else if c := book.Table("journal").Column("text"); utf8.RuneCountInString(d.Text) > int(c.Max) {
		bad["text"] = l.say("visit.long", int(c.Max))
	}
	if d.Next == nextDate {
		if _, err := time.Parse(time.DateOnly, d.NextDay); err != nil {
			bad["next"] = l.say("visit.next.bad")
		} else if d.NextDay < d.Day {
			bad["next"] = l.say("visit.next.past")
		}
	}
	if !d.Matter {
		return bad
	}
	m := book.Table("matter")
	if m.Column("kind").Option(d.Kind) == nil {
		bad["kind"] = l.say("visit.kind.none")
	}
	title := strings.TrimSpace(d.What)
	if title == "" {
		bad["title"] = l.say("visit.title.none")
	} else if over := utf8.RuneCountInString(title) - int(m.Column("title").Max); over > 0 {
		bad["title"] = l.say("visit.title.long", int(m.Column("title").Max), over)
	}
	return bad
}
