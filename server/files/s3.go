package files

import (
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"github.com/tus/tusd/v2/pkg/s3store"

	"minqing/syncproto"
)

// bucket is storage in an S3-compatible store. Two processes that write one upload at once spoil it; its hash then tells, and the phone
// begins anew.
type bucket struct{ store s3store.S3Store }

func openBucket(u *url.URL, temp string) (storage, error) {
	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if u.Host == "" || id == "" || secret == "" {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "files: open s3", Message: syncproto.Both("对象存储缺桶名或密钥。", "The object store's bucket or keys are missing."),
			Hint: syncproto.Both("写 --files 's3://桶/前缀?endpoint=https://…&region=…'，密钥放在 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY。", "Give both.")}
	}
	region := u.Query().Get("region")
	if region == "" {
		region = "us-east-1"
	}
	opt := s3.Options{Region: region, Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")}
	if endpoint := u.Query().Get("endpoint"); endpoint != "" {
		opt.BaseEndpoint, opt.UsePathStyle = aws.String(endpoint), true
		// Not every compatible store knows the newer checksums.
		opt.RequestChecksumCalculation, opt.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
	}
	store := s3store.New(u.Host, s3.New(opt))
	store.ObjectPrefix, store.TemporaryDirectory = strings.Trim(u.Path, "/"), temp
	return &bucket{store}, nil
}

func (b *bucket) core() handler.DataStore { return b.store }

func (b *bucket) locker() handler.Locker { return memorylocker.New() }

// sync has nothing to do: the store answers when it has it.
func (b *bucket) sync(string) error { return nil }

func (b *bucket) discard(string) error { return nil }
