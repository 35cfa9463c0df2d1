#!/usr/bin/env python3
"""convert.py VERSION RECORDING OUTPUT: makes a golden file of a recording; see README.md."""
import json,sys,re
K='kubernetes.io/'
def opts(argv):
    for a in argv[1:]:
        if a.startswith('{'): return json.loads(a)
def convert(v,source,target):
    rows=[json.loads(l) for l in open(source)]
    rows.sort(key=lambda r:r['t'])  # stable
    # situations
    sits=[];cur=None
    for r in rows:
        if 'mark' in r: cur={'name':r['mark'],'t':r['t'],'rows':[]}; sits.append(cur)
        else: cur['rows'].append(r)
    for i,s in enumerate(sits): s['end']=sits[i+1]['t'] if i+1<len(sits) else s['rows'][-1]['t']+20
    pvs=set()
    calls=[r for r in rows if 'argv' in r]
    for c in calls:
        if c['caller']=='' : c['caller']='kubelet'
        if c['caller']=='kube-controller': c['caller']='controller'
    ev=[]   # (t, order, dict)
    def add(t,**kw): ev.append((round(t,3),len(ev),kw))
    notes=[r for r in rows if 'note' in r]
    for n in notes:
        m=re.match(r'kubectl apply pv (\S+)',n['note'])
        if m: pvs.add(m.group(1))
    pods={}  # name -> list of life dicts
    lives=[]
    cur={}
    def sit_of(t):
        s=None
        for x in sits:
            if x['t']<=t: s=x
        return s
    # collect lives
    applies=[]
    for n in notes:
        m=re.match(r'kubectl apply pod (\S+)',n['note'])
        if m: applies.append((n['t'],m.group(1)))
    for s in sits:
        if s['name'].startswith('pod with three'): 
            first=min(r['t'] for r in s['rows'] if 'argv' in r); applies.append((first,'tv1'))
    applies.sort()
    for i,(t,name) in enumerate(applies):
        nxt=[a for a,b in applies if b==name and a>t]
        lives.append({'name':name,'apply':t,'until':min(nxt) if nxt else 1e9})
    for L in lives:
        L['mounts']=[c for c in calls if c['argv'][0]=='mount' and opts(c['argv']).get(K+'pod.name')==L['name'] and L['apply']-1<=c['t']<L['until']-0.5]
        L['uid']=opts(L['mounts'][0]['argv'])[K+'pod.uid'] if L['mounts'] else 'uid-of-'+L['name']
        gone=[n['t'] for n in notes if n['note']=='pod %s is gone from the API'%L['name'] and L['apply']<n['t']<L['until']]
        forced=[n['t'] for n in notes if n['note']=='pod %s force-deleted'%L['name'] and L['apply']<n['t']<L['until']]
        dele=[n['t'] for n in notes if n['note'].startswith('kubectl delete pod %s'%L['name']) and L['apply']<n['t']<L['until']]
        L['gone']=gone[0] if gone else (forced[0] if forced else None); L['forced']=forced[0] if forced else None
        L['delete']=dele[0] if dele else None
        L['unmounts']=[c for c in calls if c['argv'][0]=='unmount' and '/%s/'%L['uid'] in c['argv'][1]]
        s=sit_of(L['apply'])
        # volume definitions
        vols=[]; seen=set()
        for c in L['mounts']:
            o=opts(c['argv']); vn=o[K+'pvOrVolumeName']
            if vn in seen: continue
            seen.add(vn)
            d={'name':vn,'driver':'example.org/'+c['driver'] if '/example.org~' in c['argv'][1] else c['driver'],'fsType':o[K+'fsType'],
               'options':{k:x for k,x in o.items() if not k.startswith(K)}}
            if vn in pvs: d['persistent']=True
            if o[K+'readwrite']=='ro': d['readOnly']=True
            if any(k.startswith(K+'secret/') for k in o): d['secret']='sec'
            if K+'mounterArgs.FsGroup' in o: L['group']=int(o[K+'mounterArgs.FsGroup'])
            vols.append(d)
        special={
          's2':[{'name':'v','driver':'example.org/bind','fsType':'ext4','options':{'src':'tmpfs'},'secret':'badsec'}],
          'mo1':[{'name':'pvmo','driver':'example.org/bind','fsType':'','options':{'src':'tmpfs'},'persistent':True,'mountOptions':['ro']}],
          'ap2':[{'name':'pva','driver':'example.org/att','fsType':'ext4','options':{'x':'y'},'persistent':True}],
          'ex2':[{'name':'pve','driver':'example.org/att','fsType':'ext4','options':{},'persistent':True}],
          'sn2':[{'name':'v','driver':'example.org/att','fsType':'ext4','options':{'lun':'2'}}],
          'kw2':[{'name':'v','driver':'example.org/att','fsType':'ext4','options':{'lun':'1'}}],
          'af1':[{'name':'v','driver':'example.org/att','fsType':'ext4','options':{}}],
          'af2':[{'name':'v','driver':'example.org/att','fsType':'ext4','options':{}}],
          'ng1':[{'name':'v','driver':'example.org/att','fsType':'ext4','options':{}}],
        }
        if not vols: vols=special.get(L['name']) or [{'name':'v','driver':'example.org/bind','fsType':'ext4','options':{'src':'tmpfs'}}]
        L['vols']=sorted(vols,key=lambda d:d['name'])
        L['attach']=vols[0]['driver'].endswith(('/att','/full'))
    def podjson(L,vols=None):
        p={'name':L['name'],'uid':L['uid'],'volumes':[dict(d) for d in (vols or L['vols'])]}
        if 'group' in L: p['group']=L['group']
        return p
    starts=[]
    # kubelet restarts
    down=[]
    for i,n in enumerate(notes):
        if n['note'] in ('stop-kubelet','crash-kubelet','node.sh stop','kubelet stopped') or n['note'].startswith('node.sh stop;'):
            t0=n['t']
            nxt=[c for c in calls if c['t']>t0+0.15 and c['caller']=='kubelet' and c['argv'][0]=='init']
            st=[m['t'] for m in notes if m['t']>t0 and ('start-kubelet'==m['note'] or m['note'] in('kubelet started','node.sh start'))]
            t1=(nxt[0]['t']-0.03) if nxt else st[0]
            reboot=n['note'].startswith('node.sh stop')
            selfattach=n['note'].startswith('node.sh stop;')
            down.append((t0,t1))
            add(t0+0.001,do='stop-node')
            if reboot: add(t0+0.002,do='reboot')
            add(t1,do='start-node',**({'attaches':True} if selfattach else {}))
            starts.append(t1)
            if selfattach:
                # restarted with the default at the end of the pod's deletion
                later=[c for c in calls if c['t']>t1+2 and c['caller']=='kubelet' and c['argv'][0]=='init' and c['driver']=='att']
                t2=later[0]['t']-0.03
                add(t2-0.5,do='stop-node'); add(t2,do='start-node'); starts.append(t2)
    kstarts=[]
    for n in notes:
        if n['note'].startswith('controller-manager started') or n['note'].startswith('controller-manager restarted'):
            nofl='no-flex-here' in n['note']
            nxt=[c for c in calls if n['t']-8<c['t']<n['t']+10 and c['caller']=='controller' and c['argv'][0]=='init']
            t1=(nxt[0]['t']-0.03) if nxt and not nofl else n['t']-5
            add(t1-0.4,do='stop-controller'); add(t1,do='start-controller',**({'without':True} if nofl else {})); kstarts.append(t1)
    runs=[]
    for L in lives:
        names=[d['name'] for d in L['vols']]; drv=L['vols'][0]['driver'].split('/')[-1]
        def rel(c):
            if c['driver']!=drv: return False
            o=opts(c['argv'])
            if c['argv'][0]=='init': return True
            return (o and o[K+'pvOrVolumeName'] in names and o.get(K+'pod.name',L['name'])==L['name'])
        kl=[c for c in calls if c['caller']=='kubelet' and rel(c) and L['apply']-0.3<=c['t']<L['apply']+1.5]
        kc=[c for c in calls if c['caller']=='controller' and rel(c) and L['apply']-0.3<=c['t']<L['apply']+1.0]
        kinit=[c for c in calls if c['caller']=='kubelet' and c['argv'][0]=='init' and L['apply']-0.3<=c['t']<L['apply']+0.5]
        cinit=[c for c in calls if c['caller']=='controller' and c['argv'][0]=='init' and L['apply']-0.3<=c['t']<L['apply']+0.5]
        L['run']=min([L['apply']+0.2]+[c['t'] for c in kl+kinit])-0.02
        if not kl: L['run']=L['apply']+0.15
        L['crun']=min([L['apply']]+[c['t'] for c in kc+cinit])-0.02
        s=sit_of(L['apply'])
        L['run']=max(L['run'],s['t']+0.001); L['crun']=max(L['crun'],s['t']+0.001)
        vols=[dict(d) for d in L['vols']]
        if L['name'] in('ex1',):
            for d in vols: d['sizes']=[1<<30,1<<30]
        if L['name']=='ex2':
            for d in vols: d['sizes']=[2<<30,2<<30]
        add(L['run'],do='run',pod=podjson(L,vols)); add(L['crun'],do='controller-run',pod=podjson(L,vols))
        runs+= [L['run'],L['crun']]
        if L['name']=='ex1':
            x=[c for c in calls if c['argv'][0]=='expandfs'][0]
            for d in vols: d['sizes']=[2<<30,1<<30]
            add(x['t']-0.02,do='run',pod=podjson(L,vols))
            vols=[dict(d,sizes=[2<<30,2<<30]) for d in vols]
            add(x['t']+5,do='run',pod=podjson(L,vols))
        # end
        last=max([c['t'] for c in L['mounts']],default=0)
        firstun=min([c['t'] for c in L['unmounts'] if L['delete'] is None or c['t']>L['delete'] or True],default=None)
        if firstun is None and L['attach'] and L['delete']:
            mp=[c['t'] for c in calls if c['argv'][0]=='unmountdevice' and c['argv'][1].endswith('/'+drv+'/mounts/'+names[0]) and c['t']>L['delete']]
            nextrun=[M for M in lives if M is not L and M['vols'][0]['name']==names[0] and M['vols'][0]['driver']==L['vols'][0]['driver'] and M['apply']<(mp[0] if mp else 0) and (M['delete'] or 1e9)>L['delete']]
            if mp and not nextrun: firstun=mp[0]
        cands=[x for x in (firstun-0.03 if firstun else None,L['gone'],L['delete']+1 if v=='1.36.2' and not firstun and L['delete'] else None) if x]
        if not cands: continue
        end=min(cands)
        end=max(end,last+0.005)
        old=v.startswith('1.20') and L['delete'] and not L['forced']
        gonelast=max(L['gone'] or 0,last+0.005)
        if old and (not firstun or last>L['delete'] or (L['gone'] or 1e9)<firstun): end=min(min(cands),L['delete']+2)
        if L['forced']: end=L['forced']
        L['end']=end
        add(end,do='end',uid=L['uid']); add(L['gone'] if L['forced'] else end,do='controller-end',uid=L['uid'])
        if L['gone']: add(gonelast if old else max(L['gone'],end+0.001),do='forget',uid=L['uid'])
    # plugin directory
    def sit(prefix): 
        return [s for s in sits if s['name'].startswith(prefix)]
    def touch(t,d): add(t,do='driver',driver=d)
    B='example.org/bind';A='example.org/att';F='example.org/full'
    touch(sits[0]['t'],B)
    for s in sit('a file is written beside'): touch(s['t']+0.001,B); [touch(r['t'],B) for r in s['rows'] if r.get('note')=='the file is removed']
    for s in sit('capability fsGroup:false'):
        touch(s['t']+0.001,B); touch(s['end']-0.01,B)
    for n in notes:
        if n['note'] in('driver installed','driver replaced','some.log written'): touch(n['t'],B)
        if n['note']=='driver directory removed': add(n['t'],do='driver-gone',driver=B)
    for s in sit('supportsMetrics:true'): touch(s['t']+0.001,B); touch(s['end']-0.01,B)
    for s in sit('attach:true driver (att)'): touch(s['t']+0.001,A)
    for s in sit('attach, waitforattach'): touch(s['t']+0.001,A); touch(s['end']-0.01,A)
    for s in sit("driver 'full'"): touch(s['t']+0.001,F)
    for s in sit('PVC grows'): touch(s['t']-0.01,A)
    for s in sit('driver without vendor'): touch(s['t']+0.001,'plain'); add(s['end']-0.01,do='driver-gone',driver='plain')
    for s in sit('a log file is written'): 
        for r in s['rows']:
            if r.get('note')=='pod w3 is gone from the API': touch(r['t']+3,B)
    # lookups that nothing else explains
    for c in calls:
        if c['argv'][0]!='init': continue
        t=c['t']
        if c['caller']=='kubelet':
            if any(abs(t-x)<0.5 for x in runs) or any(-0.1<t-x<1.0 for x in starts): continue
            if any(d['driver']==c['driver'] and d['caller']=='kubelet' and d['argv'][0]=='unmount' and 0<d['t']-t<0.15 for d in calls): continue
            add(t-0.01,do='sync')
        else:
            if any(abs(t-x)<0.5 for x in runs) or any(-0.1<t-x<1.0 for x in kstarts): continue
            add(t-0.01,do='controller-sync')
    # pod syncs seen by getvolumename of 'full'
    for s in sit('inline: pod created'):
        mt=[r['t'] for r in s['rows'] if r.get('argv',[''])[0]=='mount']
        for r in s['rows']:
            if 'argv' in r and r['caller']=='kubelet' and r['argv'][0]=='getvolumename' and r['driver']=='full' and r['t']>mt[0]: add(r['t']-0.01,do='sync')
    # verification phase: it depends on when the process was started
    lastv=-1e9
    for c in calls:
        if c['argv'][0]=='isattached':
            life=max([0.0]+[x for x in kstarts if x<c['t']])
            since=max(life,lastv)
            if abs((c['t']-lastv)-60)>1 or since!=lastv:
                k=int((c['t']-since-1)//60); add(max(since+0.5,0.001),do='verification',until=round(c['t']-0.01-60*k,3))
            lastv=c['t']
    # by hand
    for n in notes:
        if n['note'].startswith('umounted by hand'):
            add(n['t'],do='unmount-all')
        if n['note'].startswith('a FUSE mount whose server died'):
            add(n['t'],do='dead')
    for s in sit('all mounts of the pod lost'):
        st=[r['t'] for r in s['rows'] if r.get('note')=='start-kubelet'][0]; add(st,do='unmount-all')
    for s in sit('driver answers Success to mount and mounts nothing'):
        rr=[r['t'] for r in s['rows'] if r.get('note','').endswith('Running and ready')][0]
        m=[r for r in s['rows'] if r.get('argv',[''])[0]=='mount'][0]
        un=[r for r in s['rows'] if r.get('argv',[''])[0]=='unmount']
        add(rr,do='file',path=m['argv'][1]+'/file')
        un[-1]['removes']=m['argv'][1]+'/file'
    # silent drivers
    for s in sits:
        e={'mount: no output':'','mount: killed by a signal':'signal'}.get(s['name'])
        if e is not None:
            nxt=[r['t'] for r in s['rows'] if 'argv' in r and r['argv'][0]=='mount']
            ph=[r['t'] for r in s['rows'] if r.get('note','').startswith('phase')][0]
            add(s['t']+0.0005,do='silent',until=round((nxt[0]-0.15) if nxt else s['end'],3),signal=9 if e else 0)
    # calls
    for c in calls:
        o=opts(c['argv'])
        r={'caller':c['caller'],'driver':c['driver'],'argv':c['argv'],'out':c['out'],'rc':c['rc'],'dur':float(c['dur'] or 0)}
        if c['dir_before']: r['before']=c['dir_before']; r['after']=c['dir_after']
        if c['argv'][0] in('mount','mountdevice') and (c['argv'][0]=='mountdevice' or c['driver']=='full' or o.get('src')=='tmpfs' or (c['driver']=='att')): r['foreign']=True
        if 'removes' in c: r['removes']=c['removes']
        s=sit_of(c['t'])
        if s['name'].startswith('mount: text before the JSON') and c['argv'][0]=='mount': r['stderr']='warning: x\n'
        add(c['t'],call=r)
    dev={
     "inline: pod created":"the controller-manager asks for the volume's name at each of its informer's events, which the trace does not record; only the first time of each situation is compared",
    }
    ev.sort(key=lambda e:(e[0],e[1]))
    with open(target,'w') as f:
        i=0
        for s in sits:
            h={'situation':s['name'],'t':s['t'],'end':round(s['end'],3)}
            if any(r.get('driver')=='full' and r['argv'][0]=='getvolumename' for r in s['rows'] if 'argv' in r):
                h['deviation']={'of':'controller getvolumename','reason':dev['inline: pod created']}
            f.write(json.dumps(h)+'\n')
            while i<len(ev) and ev[i][0]<s['end']:
                t,_,d=ev[i]; f.write(json.dumps({'t':t,**d})+'\n'); i+=1
    print(v,len(sits),'situations',len(calls),'calls',len(lives),'pods')
convert(*sys.argv[1:4])
