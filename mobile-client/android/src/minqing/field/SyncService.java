package minqing.field;

import android.app.*;
import android.content.*;
import android.os.*;
import org.json.JSONObject;

/** A notification for as long as a sync runs; it keeps the phone from ending the program meanwhile. */
public final class SyncService extends Service {
    private static final String CHANNEL = "sync";
    private static final int ID = 1;
    private static final boolean CHANNELS = Build.VERSION.SDK_INT >= 26; // and with them services that must say that they start

    /** Starts and stops the service by what the program says. */
    static void heard(Context context, JSONObject said) {
        String kind = said.optString("kind");
        Intent i = new Intent(context, SyncService.class).putExtra("text", said.optString("text"));
        if ("idle".equals(kind) || "ended".equals(kind)) {
            context.stopService(i);
        } else if ("busy".equals(kind)) {
            try {
                Object started = CHANNELS ? context.startForegroundService(i) : context.startService(i);
            } catch (IllegalStateException e) {
                return; // in the background newer phones allow none: the sync goes on as long as it may
            }
        }
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int startId) {
        NotificationManager all = (NotificationManager) getSystemService(Context.NOTIFICATION_SERVICE);
        if (CHANNELS) {
            all.createNotificationChannel(new NotificationChannel(CHANNEL, getString(R.string.channel), NotificationManager.IMPORTANCE_LOW));
        }
        Notification.Builder b = CHANNELS ? new Notification.Builder(this, CHANNEL) : new Notification.Builder(this);
        PendingIntent open = PendingIntent.getActivity(this, 0, new Intent(this, MainActivity.class), PendingIntent.FLAG_IMMUTABLE);
        String text = intent == null ? "" : intent.getStringExtra("text");
        b.setSmallIcon(R.drawable.icon).setContentTitle(getString(R.string.syncing)).setContentText(text).setContentIntent(open).setOngoing(true);
        startForeground(ID, b.build());
        return START_NOT_STICKY;
    }

    @Override public IBinder onBind(Intent intent) { return null; }
}
