package minqing.field;

import android.app.Activity;
import android.content.*;
import android.content.pm.*;
import android.graphics.Insets;
import android.net.Uri;
import android.os.*;
import android.provider.MediaStore;
import android.view.*;
import android.webkit.*;
import android.widget.*;
import java.io.*;
import java.util.Arrays;
import org.json.JSONObject;

/** The one screen: a WebView on the pages that the program serves on this phone. */
public final class MainActivity extends Activity implements Program.Listener, View.OnClickListener, View.OnApplyWindowInsetsListener {
    private static final int CHOOSE = 1, NOTIFY = 2, MAX_BUNDLE = 64 << 20; // far above what the program takes
    static final String NOTIFICATIONS = "android.permission.POST_NOTIFICATIONS", APK = "application/vnd.android.package-archive";

    private FrameLayout frame;
    private WebView web;
    private String home = "http://127.0.0.1/"; // with the port, once the program has said it
    private ValueCallback<Uri[]> chooser;
    private File photo;
    private Program program;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        if (saved == null) {
            Files.sweep(this);
        }
        frame = new FrameLayout(this);
        frame.setBackgroundColor(getResources().getColor(R.color.paper));
        frame.setOnApplyWindowInsetsListener(this);
        web = new WebView(this);
        web.getSettings().setJavaScriptEnabled(true);
        web.getSettings().setAllowFileAccess(false);
        web.getSettings().setTextZoom(Math.round(100 * getResources().getConfiguration().fontScale));
        web.setWebViewClient(new Pages());
        web.setWebChromeClient(new Choosing());
        setContentView(frame);
        if (Build.VERSION.SDK_INT >= 33 && checkSelfPermission(NOTIFICATIONS) != PackageManager.PERMISSION_GRANTED) {
            requestPermissions(new String[] {NOTIFICATIONS}, NOTIFY);
        }
        onClick(null);
        take(getIntent());
    }

    /** Starts the program, at first and when somebody asks for it again. */
    @Override
    public void onClick(View v) {
        show(sentence(new TextView(this), R.string.starting));
        program = ((App) getApplication()).program();
        program.listen(this);
    }

    /** Since Android 15 pages reach under the bars of the system; ours must not. */
    @Override
    public WindowInsets onApplyWindowInsets(View v, WindowInsets all) {
        if (Build.VERSION.SDK_INT >= 30) {
            Insets i = all.getInsets(WindowInsets.Type.systemBars() | WindowInsets.Type.ime() | WindowInsets.Type.displayCutout());
            v.setPadding(i.left, i.top, i.right, i.bottom);
        }
        return all;
    }

    @Override
    protected void onNewIntent(Intent intent) {
        super.onNewIntent(intent);
        take(intent);
    }

    @Override
    protected void onDestroy() {
        program.listen(null);
        web.destroy();
        super.onDestroy();
    }

    /** What was typed is in a draft already; the pages need to know that nobody looks, to lock by the PIN. */
    @Override
    protected void onStop() {
        super.onStop();
        program.send("hidden");
    }

    @Override
    protected void onStart() {
        super.onStart();
        program.send("shown");
    }

    @Override
    public void onBackPressed() {
        if (!web.canGoBack()) {
            moveTaskToBack(true);
        }
        web.goBack(); // from the first page it goes nowhere
    }

    @Override
    public void heard(JSONObject said) {
        String kind = said.optString("kind"), path = said.optString("path");
        if ("link".equals(kind)) {
            Uri link = Uri.parse(said.optString("link"));
            home = link.getScheme() + "://" + link.getAuthority() + "/";
            web.loadUrl(link.toString());
            show(web);
        } else if ("share".equals(kind)) {
            share(Files.of(new File(path)));
        } else if ("install".equals(kind)) {
            install(new File(path));
        } else if ("taken".equals(kind) && photo != null) {
            photo.delete();
        } else if ("ended".equals(kind)) {
            Button again = new Button(this);
            again.setOnClickListener(this);
            show(sentence(again, R.string.stopped));
        }
    }

    private void show(View v) {
        frame.removeAllViews();
        frame.addView(v);
    }

    private TextView sentence(TextView t, int text) {
        t.setTextSize(19);
        t.setPadding(48, 48, 48, 48);
        t.setText(text);
        return t;
    }

    /** Takes the link of an enrolment code, or a bundle or receipt that another app shares: it is copied, and the program told where it lies. */
    private void take(Intent intent) {
        String action = intent.getAction();
        intent.setAction(Intent.ACTION_MAIN); // once, though the activity is made again
        Uri from = (Uri) intent.getParcelableExtra(Intent.EXTRA_STREAM);
        File to = new File(Files.folder(this), "bundle-" + System.currentTimeMillis());
        if (Intent.ACTION_VIEW.equals(action)) {
            program.send("link", "link", String.valueOf(intent.getData()));
        }
        if (!Intent.ACTION_SEND.equals(action) || from == null) {
            return;
        }
        try (InputStream in = getContentResolver().openInputStream(from); OutputStream out = new FileOutputStream(to)) {
            byte[] part = new byte[64 << 10];
            long all = 0;
            for (int n = in.read(part); n >= 0 && all <= MAX_BUNDLE; n = in.read(part)) {
                all += n;
                out.write(part, 0, n);
            }
        } catch (IOException | SecurityException e) { // the latter: the grant of the other app is gone
            Toast.makeText(this, e.getLocalizedMessage(), Toast.LENGTH_LONG).show();
            return;
        }
        program.send("bundle", "path", to.getPath()); // one too large is refused there, in words
    }

    private void share(Uri file) {
        Intent i = new Intent(Intent.ACTION_SEND).setType("application/octet-stream").putExtra(Intent.EXTRA_STREAM, file);
        i.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION).setClipData(ClipData.newRawUri("", file));
        startActivity(Intent.createChooser(i, getString(R.string.share)));
    }

    /** Hands a newer package to the phone's installer, which asks the person; only one signed as this app is. */
    private void install(File apk) {
        PackageManager pm = getPackageManager();
        PackageInfo theirs = pm.getPackageArchiveInfo(apk.getPath(), PackageManager.GET_SIGNATURES);
        try {
            PackageInfo mine = pm.getPackageInfo(getPackageName(), PackageManager.GET_SIGNATURES);
            if (theirs != null && theirs.signatures != null && getPackageName().equals(theirs.packageName)
                    && theirs.versionCode > mine.versionCode && Arrays.equals(mine.signatures, theirs.signatures)) {
                startActivity(new Intent(Intent.ACTION_VIEW).setDataAndType(Files.of(apk), APK).addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION));
                return;
            }
        } catch (PackageManager.NameNotFoundException e) {
            throw new IllegalStateException(e); // we are installed
        }
        apk.delete();
        Toast.makeText(this, R.string.other_signer, Toast.LENGTH_LONG).show();
    }

    /** Our own pages stay in the WebView; a phone number is dialled, the sign-in page of a network opened by the browser. */
    private final class Pages extends WebViewClient {
        @Override // newer phones call it too, by way of the form that takes a request
        public boolean shouldOverrideUrlLoading(WebView v, String url) {
            boolean dial = url.startsWith("tel:"), out = url.startsWith("http:") && !url.startsWith(home);
            Intent i = new Intent(dial ? Intent.ACTION_DIAL : Intent.ACTION_VIEW, Uri.parse(url));
            if ((dial || out) && i.resolveActivity(getPackageManager()) != null) { // a tablet may have no telephone
                startActivity(i);
            }
            return !url.startsWith(home);
        }
    }

    /** File fields of the pages: the camera where they ask for it, else a file that is there already. */
    private final class Choosing extends WebChromeClient {
        @Override
        public boolean onShowFileChooser(WebView v, ValueCallback<Uri[]> answer, FileChooserParams asked) {
            choose(null);
            chooser = answer;
            photo = null;
            Intent i = asked.createIntent(); // of the kind that the page asks for
            Intent camera = new Intent(MediaStore.ACTION_IMAGE_CAPTURE);
            if (asked.isCaptureEnabled() && camera.resolveActivity(getPackageManager()) != null) {
                photo = new File(Files.folder(MainActivity.this), "photo-" + System.currentTimeMillis() + ".jpg");
                i = camera.putExtra(MediaStore.EXTRA_OUTPUT, Files.of(photo));
                i.addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION | Intent.FLAG_GRANT_READ_URI_PERMISSION);
                i.setClipData(ClipData.newRawUri("", Files.of(photo)));
            }
            try {
                startActivityForResult(i, CHOOSE);
            } catch (ActivityNotFoundException e) {
                choose(null);
            }
            return true;
        }
    }

    private void choose(Uri picked) {
        if (chooser != null) {
            chooser.onReceiveValue(picked == null ? null : new Uri[] {picked});
        }
        chooser = null;
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        if (request == CHOOSE) {
            choose(result != RESULT_OK ? null : photo != null ? Files.of(photo) : data == null ? null : data.getData());
        }
    }
}
