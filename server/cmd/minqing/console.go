package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"minqing/server/console"
	"minqing/server/console/account"
	"minqing/server/console/idp"
	"minqing/server/engine"
	"minqing/server/store"
	"minqing/syncproto"
)

// consoleFlags say how browsers reach the consoles and how people prove who they are.
type consoleFlags struct {
	TLSCert string   `type:"path" env:"MINQING_TLS_CERT" placeholder:"FILE" help:"TLS 证书（PEM）。 The certificate for TLS."`
	TLSKey  string   `type:"path" env:"MINQING_TLS_KEY" placeholder:"FILE" help:"TLS 私钥（PEM）。 Its key."`
	Proxy   []string `env:"MINQING_PROXY" placeholder:"CIDR" help:"反向代理的地址；只有它们转来的 X-Forwarded-* 才算数。 Addresses of reverse proxies; from nobody else do forwarded headers count."`
	Public  string   `env:"MINQING_PUBLIC" placeholder:"https://…" help:"人们打开网页用的地址，默认是 --listen 的。 The address that people open."`

	OIDCIssuer string `name:"oidc-issuer" env:"MINQING_OIDC_ISSUER" placeholder:"https://…" help:"单位的统一登录（OpenID Connect）的地址。 Your organisation's OpenID Connect provider."`
	OIDCID     string `name:"oidc-id" env:"MINQING_OIDC_ID" placeholder:"ID" help:"在那里登记的客户端编号。 The client id there."`
	OIDCSecret string `name:"oidc-secret" env:"MINQING_OIDC_SECRET" placeholder:"SECRET" help:"客户端密钥，最好写在环境变量里。 Its secret, better given in the environment."`
	OIDCName   string `name:"oidc-name" env:"MINQING_OIDC_NAME" default:"单位账号" help:"按钮上怎么叫它。 What the button calls it."`
	OIDCClaim  string `name:"oidc-claim" env:"MINQING_OIDC_CLAIM" default:"preferred_username" help:"哪一项对应这里的登录名。 The claim that is the login here."`
}

func badFlag(zh, en, hint string, err error) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "serve", Message: syncproto.Both(zh, en), Hint: hint, Err: err}
}

// secure puts TLS over a listener when there is a certificate, and gives the address that people open.
func (f *consoleFlags) secure(l net.Listener) (net.Listener, string, error) {
	scheme := "http://"
	if (f.TLSCert == "") != (f.TLSKey == "") {
		return nil, "", errors.Join(badFlag("证书和私钥要一起写。", "A certificate needs its key.", syncproto.Both("写上 --tls-cert 和 --tls-key。", "Give both --tls-cert and --tls-key."), nil), l.Close())
	}
	if f.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey)
		if err != nil {
			return nil, "", errors.Join(badFlag("证书或私钥读不出来。", "The certificate or its key cannot be read.", syncproto.Both("核对两个文件是不是一对，都是 PEM。", "Check that the two files belong together, both PEM."), err), l.Close())
		}
		l, scheme = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}), "https://"
	}
	base := strings.TrimRight(f.Public, "/")
	if base == "" {
		return l, scheme + l.Addr().String(), nil
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, "", errors.Join(badFlag("--public 要写成 https://minqing.example.cn 这样。", "--public is an address like https://minqing.example.cn.", syncproto.Both("只写到主机名和端口。", "Give scheme, host and port."), err), l.Close())
	}
	return l, base, nil
}

// mount puts the consoles beside the protocol.
func (f *consoleFlags) mount(ctx context.Context, e *engine.Engine, base string, log *slog.Logger) error {
	opt := console.Options{Engine: e, Rand: rand.Reader, Log: log}
	for _, text := range f.Proxy {
		p, err := netip.ParsePrefix(text)
		if a, alone := netip.ParseAddr(text); alone == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return badFlag("--proxy 里的“"+text+"”不是地址。", "This is no address.", syncproto.Both("写成 10.0.0.0/8 或 192.168.1.5 这样。", "Like 10.0.0.0/8 or 192.168.1.5."), err)
		}
		opt.Proxies = append(opt.Proxies, p)
	}
	var err error
	if opt.Accounts, err = account.New(e.Store, e.Keys, e.Zone, rand.Reader); err != nil {
		return err
	}
	if f.OIDCIssuer != "" {
		if opt.Provider, err = idp.New(idp.Config{Issuer: f.OIDCIssuer, ID: f.OIDCID, Secret: f.OIDCSecret, Name: f.OIDCName, Claim: f.OIDCClaim, Back: base + "/signin/oidc/back",
			Key: e.Keys.Derive("console oidc"), Rand: rand.Reader, Now: func() time.Time { return time.UnixMilli(e.Now()) }}); err != nil {
			return err
		}
	}
	pages, err := console.New(opt)
	if err != nil {
		return err
	}
	e.Mount(pages)
	e.Beside(pages.Run)
	return e.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetMeta(metaPublic, base) })
}

// metaPublic remembers the address that people open, for links that commands print.
const metaPublic = "public"

// address is it; "" before a server was ever started.
func (r *room) address() (base string, err error) {
	err = r.engine.Store.Read(r.ctx, func(tx *store.Tx) (err error) {
		base, err = tx.Meta(metaPublic)
		return err
	})
	return base, err
}

type userLinkCmd struct {
	Login  string `arg:"" help:"登录名。 Login."`
	Forget bool   `name:"forget-code" help:"连同手机验证码一起重设（手机和恢复码都丢了）。 Reset one-time codes as well."`
	Plain  bool   `help:"只印链接。 Print the link alone."`
}

// Run prints a one-time link.
func (c *userLinkCmd) Run(r *room) error {
	accounts, err := account.New(r.engine.Store, r.engine.Keys, r.engine.Zone, rand.Reader)
	if err != nil {
		return err
	}
	l, err := r.desk().SignInLink(r.ctx, accounts, c.Login, c.Forget)
	if err != nil {
		return err
	}
	base, err := r.address()
	if err != nil {
		return err
	}
	if c.Plain {
		_, err := fmt.Fprintln(r.out, base+"/link/"+l.Code)
		return err
	}
	r.say(fmt.Sprintf("给%s的一次性链接，%s前有效，只能用一次：", l.Name, l.Until.Format("01-02 15:04")), "A one-time link; whoever opens it sets the password:")
	r.say(base+"/link/"+l.Code, "")
	return nil
}
