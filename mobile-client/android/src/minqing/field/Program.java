package minqing.field;

import android.content.Context;
import android.content.pm.PackageManager;
import android.net.*;
import android.os.Handler;
import android.os.Looper;
import android.util.Base64;
import java.io.*;
import java.net.InetAddress;
import java.util.Map;
import org.json.*;

/**
 * The Go program as a child process. Both talk in JSON lines over its standard input and output; package mobile-client/shell holds
 * the words. It ends itself when its input ends, so it never outlives this process.
 */
final class Program extends ConnectivityManager.NetworkCallback implements Runnable {
    /** Who hears of the program; called on the main thread. */
    interface Listener { void heard(JSONObject line); }

    private final Context context;
    private final ConnectivityManager networks;
    private final Handler main = new Handler(Looper.getMainLooper());
    private final Vault vault;
    private Process process;
    private OutputStream in;
    private Listener listener;
    private boolean over;

    Program(Context context) {
        this.context = context;
        networks = (ConnectivityManager) context.getSystemService(Context.CONNECTIVITY_SERVICE);
        File folder = context.getNoBackupFilesDir(); // never backed up, and never moved to another phone
        vault = new Vault(new File(folder, "keystore.box"));
        try {
            start(folder);
        } catch (IOException e) {
            over = true;
        }
    }

    private void start(File folder) throws IOException {
        File lib = new File(context.getApplicationInfo().nativeLibraryDir, "libfield.so");
        ProcessBuilder b = new ProcessBuilder(lib.getPath(), "serve", "--shell", "--file", new File(folder, "minqing.db").getPath());
        b.directory(folder);
        Map<String, String> env = b.environment();
        env.put("HOME", folder.getPath());
        env.put("TMPDIR", context.getCacheDir().getPath());
        // Newer phones keep their authorities in a module; older ones in the system.
        env.put("SSL_CERT_DIR", "/apex/com.android.conscrypt/cacerts:/system/etc/security/cacerts");
        process = b.start();
        in = process.getOutputStream();
        // The first line: what the program needs before it opens its file.
        send("start", "secret", Base64.encodeToString(vault.secret(), Base64.NO_WRAP), "version", version(),
                "share", Files.folder(context).getPath(), "package", context.getApplicationInfo().sourceDir);
        networkChanged();
        Thread reader = new Thread(this, "program");
        reader.setDaemon(true);
        reader.start();
        networks.registerNetworkCallback(new NetworkRequest.Builder().addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET).build(), this);
    }

    private int version() {
        try {
            return context.getPackageManager().getPackageInfo(context.getPackageName(), 0).versionCode;
        } catch (PackageManager.NameNotFoundException e) {
            throw new IllegalStateException(e); // we are installed
        }
    }

    synchronized boolean ended() { return over; }

    /** Names who hears; null: nobody for the time being. A fresh link comes at once, or that the program has ended. */
    synchronized void listen(Listener who) {
        listener = who;
        if (over) {
            tell(line("ended"));
        } else if (who != null) {
            send("link");
        }
    }

    /** Says a line of a kind to the program, with pairs of a name and a value. */
    synchronized void send(String kind, Object... more) {
        if (over) {
            return;
        }
        try {
            in.write((line(kind, more).toString() + "\n").getBytes("UTF-8"));
            in.flush();
        } catch (IOException e) {
            process.destroy(); // the reader sees its end and tells
        }
    }

    private static JSONObject line(String kind, Object... more) {
        JSONObject o = new JSONObject();
        try {
            o.put("kind", kind);
            for (int i = 0; i < more.length; i += 2) {
                o.put((String) more[i], more[i + 1]);
            }
        } catch (JSONException e) {
            throw new IllegalStateException(e); // only for a number that JSON lacks
        }
        return o;
    }

    /** Says how the network stands: none, one that costs, a free one, one that wants a sign-in first; and its name servers. */
    private void networkChanged() {
        Network n = networks.getActiveNetwork();
        NetworkCapabilities can = n == null ? null : networks.getNetworkCapabilities(n);
        LinkProperties link = n == null ? null : networks.getLinkProperties(n);
        String state = can == null ? "none" : can.hasCapability(NetworkCapabilities.NET_CAPABILITY_CAPTIVE_PORTAL) ? "portal"
                : can.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED) ? "free" : "metered";
        JSONArray servers = new JSONArray();
        if (link != null) {
            for (InetAddress a : link.getDnsServers()) {
                servers.put(a.getHostAddress());
            }
        }
        send("network", "state", state, "dns", servers);
    }

    @Override public void onLost(Network n) { networkChanged(); }
    @Override public void onCapabilitiesChanged(Network n, NetworkCapabilities can) { networkChanged(); }
    @Override public void onLinkPropertiesChanged(Network n, LinkProperties link) { networkChanged(); }

    /** Reads what the program says until it ends. */
    @Override
    public void run() {
        try (BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), "UTF-8"))) {
            for (String s = out.readLine(); s != null; s = out.readLine()) {
                JSONObject said = new JSONObject(s);
                if ("wiped".equals(said.optString("kind"))) {
                    vault.forget();
                }
                tell(said);
            }
        } catch (IOException | JSONException e) {
            process.destroy();
        }
        synchronized (this) {
            over = true;
        }
        networks.unregisterNetworkCallback(this);
        tell(line("ended"));
    }

    private void tell(final JSONObject said) {
        main.post(new Runnable() {
            @Override
            public void run() {
                SyncService.heard(context, said);
                if (listener != null) {
                    listener.heard(said);
                }
            }
        });
    }
}
